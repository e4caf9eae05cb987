"""A home finds a job, is licensed and begins over the market's real REST, ledger node and mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from django.utils import timezone
from pytest_django import Settings

from chain.client import MarketClient, MemoryPins
from chain.client.inprocess import market_in_process
from chain.contracts.crossing import job_id_of, training_order_id_of
from chain.contracts.peers import RegisterPeer
from chain.contracts.service_models import rows
from chain.core.codec import decode, encode
from chain.crypto.hashing import sha256
from chain.exchange.learning import training_fundings
from fedlearn.learners.families import family
from fedlearn.learners.plan import plan_encode, plan_hash
from fedlearn.runtime.jobs import JobTerms
from fedlearn.runtime.names import identity_of, job_path
from fedlearn.runtime.nodes import EnterpriseNode
from fedlearn.runtime.offers import TERMS, JobOffer, LotsOffer, mock_name, mock_table, offer_to_hub
from households.learning.participation.home import LedgerPins, job_key_of
from households.models import Household, Lot, Participation, ParticipationOrder
from households.services import market_http
from households.uploads.services.pipeline import uploads_advance
from tests.chain.market_node import MarketNode, market_node
from tests.enterprises.board import Party, organisation_new
from tests.households.learning import consent
from tests.households.participation import LONG_AGO, SERVICE, home_turn, home_with_rows, plan_of_test, states

MINUTE_MS = 60_000
State = Participation.State


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[MarketNode]:
    windows = dict.fromkeys(("t1_ms", "t1_deliver_ms", "t2_ms", "preview_ms"), MINUTE_MS)
    with market_node(tmp_path, preview_chunks=2, fee_bps=250, **windows) as running:
        yield running


@pytest.fixture
def http(
    node: MarketNode, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx.Client]:
    from marketplace.asgi import _http

    settings.HEARTH_HUB_CONNECTOR = market_http.__name__ + ".Connector"
    settings.HEARTH_VAR = tmp_path / "var"
    settings.HEARTH_K_CELL = 1
    market_http._clients.clear()
    with market_in_process(_http) as client:
        monkeypatch.setattr(market_http, "_pool", lambda base_url: client)
        yield client
    market_http._clients.clear()


class Acme:
    """An organisation with its clients of both ledgers and its node on the market's mailboxes."""

    def __init__(self, node: MarketNode, http: httpx.Client) -> None:
        self.party: Party = organisation_new()
        assert self.party.wallet is not None
        self.wallet, self.node = self.party.wallet, node
        node.buyer(self.wallet.secret, 2_000)
        node.until_indexed()
        self.market = MarketClient(http, self.party.token, pins=MemoryPins())
        self.models = self.market.models(pins=MemoryPins())
        accredited = self.market.events(0, kind="registry.accredited")[-1]
        self.tell("service_models.accreditation_show", rows.ShowAccreditation(self.market.proof(accredited.tx_id)))
        self.tell("service_models.service_register", rows.ServiceRegister(SERVICE, "share", "Comfort of a room."))

    def tell(self, call: str, args: object) -> object:
        client = self.market if call.startswith("market.") else self.models
        nonce = client.nonce(self.wallet.address)
        proof = client.submit_and_wait(self.wallet.sign_transaction(client.ledger, nonce, 10**6, call, args))
        assert not proof.receipt.code, proof.receipt.code
        return proof


def listed(home: Household, node: MarketNode) -> None:
    for _ in range(20):
        node.until_indexed()
        Lot.objects.using("home").update(next_try_at=LONG_AGO)
        uploads_advance(home)
        if set(Lot.objects.using("home").values_list("state", flat=True)) == {Lot.State.LISTED}:
            return
    raise AssertionError(list(Lot.objects.using("home").values_list("state", "last_error_code")))


@pytest.mark.slow
def test_from_the_notice_to_the_terms_over_the_real_market(
    node: MarketNode, http: httpx.Client, tmp_path: Path
) -> None:
    home = home_with_rows(days=6)
    listed(home, node)
    consent(home)
    acme, plan = Acme(node, http), plan_of_test()
    address, digest, nonce = acme.wallet.address, plan_hash(plan), sha256(b"nonce")
    job, identity = job_id_of(address, digest, nonce), identity_of("enterprise", address.hex())
    acme.party.board.notice_post(plan_encode(plan), "Tell when to air", ["climate"], timezone.now() + timedelta(days=1))
    home_turn(home, 2)
    row = Participation.objects.using("home").get()
    assert row.state == State.ANSWERED, (row.code, row.last_error_code)
    (answer,) = acme.party.board.answers(digest)
    hub = identity_of("hub", answer.address.hex())
    assert acme.models.peer(answer.address).job_key == job_key_of(row).public_key

    store = acme.party.board.store(identity)
    with EnterpriseNode.opened(tmp_path / "acme", identity, store, LedgerPins(acme.models)) as post:
        acme.tell("peers.register", RegisterPeer(bytes.fromhex(post.fingerprint), acme.wallet.public_key))
        post.request(hub)
        home_turn(home)
        assert post.refresh() == [hub]
        post.send(hub, offer_to_hub(job.hex()), encode(JobOffer(job, plan_encode(plan), nonce)))
        home_turn(home)
        (message,) = post.receive()
        offer = decode(LotsOffer, message.data)
        table = mock_table(plan.task, post.mock_arrays(hub, mock_name(plan.task)))
        assert len(offer.lots) == 2 and offer.rows > len(table) > 0

        deadline_ms = acme.market.head().time_ms + 10**8
        terms = {"plan": digest, "nonce": nonce, "rounds": plan.rounds, "deadline_ms": deadline_ms}
        (funding,) = training_fundings([acme.market.lot_row(lot) for lot in offer.lots], **terms)
        paid = acme.tell("market.fund_training", funding)
        first = family(plan.family).parameters_new(plan, np.random.default_rng(plan.seed)).astype("<f8").tobytes()
        acme.tell(
            "service_models.job_open",
            rows.JobOpen(
                rows.service_id_of(SERVICE), digest, nonce, plan.task, plan.rounds, 2, 1_000_000, 10, sha256(first),
                deadline_ms, (paid,),
            ),
        )  # fmt: skip
        node.until_indexed()
        home_turn(home, 4)
        orders = [training_order_id_of(job, lot) for lot in offer.lots]
        assert {acme.market.training_row(order).status for order in orders} == {"ACCEPTED"}, states()
        post.job_open(job.hex(), [hub])
        others = [sha256(b"other", bytes([number])) for number in range(2)]
        keys = (job_key_of(row).public_key, *(acme.wallet.public_key[:1] + other for other in others))
        peers = (hub, *(identity_of("hub", other.hex()[:40]) for other in others))
        while (seed := acme.models.job_seed(job)) is None:
            acme.models.head()
        told = JobTerms(job, plan_encode(plan), seed, keys, peers)
        post.send(hub, job_path(job.hex(), "in", 0, TERMS), encode(told))
        home_turn(home)
    row.refresh_from_db()
    assert row.state == State.RUNNING and row.record
    assert ParticipationOrder.objects.using("home").filter(state="accepted").count() == 2
