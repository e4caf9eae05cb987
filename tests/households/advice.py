"""A market in process with both ledgers, enterprises that publish models, and a home that measures its load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from django.utils import timezone

from chain.client.wire import LedgerEvent
from chain.consensus.validators import vote_sign
from chain.contracts.credits import Mint, balance
from chain.contracts.crossing import service_escrow_id_of
from chain.contracts.registry import Accredit
from chain.contracts.service_escrow import MONEY, ServiceMoneyRow
from chain.contracts.service_models import models_of, rows
from chain.core.codec import encode
from chain.core.proofs import TxProof
from chain.core.state import Table
from chain.core.transactions import tx_id_of
from chain.core.types import Genesis, Header, Record
from chain.crypto.hashing import sha256
from chain.engine.proofs import proof_make
from chain.wallets.signer import Signer
from fedlearn.learners.card import Figures, card_build, card_encode
from fedlearn.learners.families import family
from fedlearn.learners.model_file import Model, ModelHead, model_encode
from fedlearn.learners.plan import plan_hash
from fedlearn.learners.scaling import scaler_fixed
from fedlearn.learners.templates import template
from households.advice.port import Connection, Listing
from households.models import AdviceOrder, Household, Inquiry, ModelRun, RankedOffer
from households.uploads.services.intake import segments_store
from marketplace.common.errors import NotFound, Unavailable
from marketplace.common.types import to_ms
from tests.households.world import TestDevice
from tests.pure.chain.client_ledger import ClientLedger
from tests.pure.chain.contracts.learning import FAR_MS, SERVICE, licences, opening, orders_of
from tests.pure.chain.contracts.receipts import job_of, models_genesis, round_args, shared_trusting
from tests.pure.chain.contracts.world import OPERATOR, T0, TREASURY, address, secret_of
from tests.pure.fedlearn.learners.world import plan_of

HOUR_MS = 3_600_000
DAYS = 21
SERVICE_NAME = "tariff-advice"
FLAT = {"form": "flat", "price_micro_per_kwh": 300_000, "standing_micro_per_day": 200_000}
NIGHT = {"form": "two_rate", "low_micro_per_kwh": 100_000, "high_micro_per_kwh": 250_000, "low_hours": list(range(6))}
SENTINEL_WH = 7_777


class Chain:
    """One ledger as its client tells it. ``before`` and ``after`` are called around each submission, to die there."""

    def __init__(self, genesis: Genesis, asked: list[tuple[str, bytes]]) -> None:
        self.inner = ClientLedger(genesis)
        self.engine = self.inner.ledger
        self.asked, self.away = asked, False
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.tick(1)

    @property
    def ledger(self) -> str:
        return self.inner.genesis.ledger

    def head(self) -> Header:
        assert self.engine.head is not None
        return self.engine.head

    def header(self, height: int) -> Header | None:
        block = self.engine.store.block(height)
        return block.header if block else None

    def indexed_height(self) -> int:
        return self.engine.height

    def nonce(self, owner: bytes) -> int:
        self.asked.append(("nonce", owner))
        return self.engine.next_nonce(owner)

    def submit_and_wait(self, transaction: bytes) -> TxProof:
        self.before()
        if self.away:
            raise Unavailable
        self.asked.append(("submit", transaction))
        try:
            proof = self.proof(tx_id_of(transaction))
        except NotFound:
            self.engine.submit(transaction)
            self.tick(1)
            proof = self.proof(tx_id_of(transaction))
        self.after()
        return proof

    def proof(self, tx_id: bytes) -> TxProof:
        for block in self.engine.store.blocks():
            if any(receipt.tx_id == tx_id for receipt in block.receipts):
                return proof_make(block, tx_id)
        raise NotFound

    def events(self, after_height: int, up_to_height: int | None = None, kind: str = "") -> list[LedgerEvent]:
        last = self.engine.height if up_to_height is None else up_to_height
        return [
            LedgerEvent(block.header.height, 0, receipt.tx_id, event.kind, event.subjects)
            for block in self.engine.store.blocks(after_height + 1)
            for receipt in block.receipts
            for event in receipt.events
            if block.header.height <= last and (not kind or event.kind == kind)
        ]

    def tick(self, milliseconds: int) -> None:
        """A block of whatever waits, so much later."""
        taken = self.engine.pool.take(self.engine.state, self.engine.height + 1, 100)
        validator = secret_of("validator")
        proposal = self.engine.execute(
            taken.transactions, self.engine.time_ms + milliseconds, Signer(validator).public_key
        )
        self.engine.commit(proposal, [vote_sign(validator, proposal.header)])

    def call(self, name: str, call: str, args: Record) -> TxProof:
        """A call of somebody whom the tests know by name; it must go through."""
        self.engine.submit(self.inner.signed(name, call, args))
        self.tick(1)
        proof = proof_make(self.engine.store.block(self.engine.height), self._newest())
        assert proof.receipt.code == "", proof.receipt.code
        return proof

    def row(self, table: Table[Any], key: bytes) -> Any:
        found = self.engine.state.get(table, key)
        if found is None:
            raise NotFound
        return found

    def _newest(self) -> bytes:
        block = self.engine.store.block(self.engine.height)
        assert block is not None
        return block.receipts[-1].tx_id


class SharedChain(Chain):
    """The shared ledger and the cloud store."""

    def __init__(self, asked: list[tuple[str, bytes]]) -> None:
        super().__init__(shared_trusting(), asked)
        self.objects: dict[bytes, bytes] = {}

    def balance(self, owner: bytes) -> int:
        return balance(self.engine.state, owner)

    def service_money_row(self, payer: bytes, service_order: bytes) -> ServiceMoneyRow:
        found: ServiceMoneyRow = self.row(MONEY, service_escrow_id_of(payer, service_order))
        return found

    def object_get(self, object_id: bytes) -> bytes:
        self.asked.append(("object", object_id))
        if object_id not in self.objects:
            raise NotFound
        return self.objects[object_id]


class ModelsChain(Chain):
    """The service-model ledger."""

    def __init__(self, asked: list[tuple[str, bytes]]) -> None:
        super().__init__(models_genesis(), asked)

    def services(self) -> list[rows.ServiceRow]:
        return [row for _, row in self.engine.state.scan(rows.SERVICES)]

    def models_of(self, service: bytes) -> list[rows.VersionRow]:
        self.asked.append(("models", service))
        return list(models_of(self.engine.state, service))

    def service(self, service: bytes) -> rows.ServiceRow:
        return self.row(rows.SERVICES, service)  # type: ignore[no-any-return]

    def job(self, job: bytes) -> rows.JobRow:
        return self.row(rows.JOBS, job)  # type: ignore[no-any-return]

    def version(self, version: bytes) -> rows.VersionRow:
        return self.row(rows.VERSIONS, version)  # type: ignore[no-any-return]

    def order(self, order_id: bytes) -> rows.OrderRow:
        return self.row(rows.ORDERS, order_id)  # type: ignore[no-any-return]


class AdviceMarket:
    """Both ledgers, the store and the shelf. ``asked`` has all bytes that anybody was sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.shared, self.models = SharedChain(self.asked), ModelsChain(self.asked)
        self.listings: dict[bytes, Listing] = {}

    def listing(self, version: bytes) -> Listing:
        self.asked.append(("listing", version))
        if version not in self.listings:
            raise NotFound
        return self.listings[version]

    def connection(self) -> Connection:
        return Connection(self.shared, self.models, self)

    def enterprise(self, name: str) -> bytes:
        """Accredit an enterprise on both ledgers; the first registers the service."""
        self.shared.call(TREASURY, "credits.mint", Mint(to=address(name), amount=1_000))
        proof = self.shared.call(OPERATOR, "registry.accredit", Accredit(address=address(name), until_ms=FAR_MS * 2))
        self.models.call("anyone", "service_models.accreditation_show", rows.ShowAccreditation(proof))
        if not self.models.services():
            text = "Compares electricity tariffs on what your home will use."
            args = rows.ServiceRegister(SERVICE_NAME, "kWh", text)
            self.models.call(name, "service_models.service_register", args)
        return address(name)

    def publish(self, name: str, model: ModelMade, offers: list[dict[str, Any]], title: str = "") -> bytes:
        """A job with one round, its version, file and card in the store, and offers on the shelf."""
        plan, parameters = plan_hash(model.plan), sha256(model.parameters.astype("<f8").tobytes())
        paid = licences(name, plan=plan)
        args = opening(name, paid, plan=plan, epsilon_micro=0, task=model.plan.task, deadline_ms=T0 + 10**8)
        self.models.call(name, "service_models.job_open", args)
        job = job_of(name, plan)
        done = round_args(job, 1, orders_of(), model_after=parameters)
        self.models.call(name, "service_models.round", done)
        version = rows.Publish(
            job=job,
            number=1,
            parameters=parameters,
            previous=b"",
            card=sha256(model.card),
            metrics=(rows.Metric("r2", 500_000),),
            object_id=sha256(model.data),
            size_bytes=len(model.data),
        )
        self.models.call(name, "service_models.version", version)
        self.shared.objects |= {version.object_id: model.data, version.card: model.card}
        found = rows.version_id_of(job, 1, parameters)
        self.listings[found] = Listing(address(name), title or name, tuple(offers))
        return found

    def credits(self, owner: bytes, amount: int) -> None:
        self.shared.call(TREASURY, "credits.mint", Mint(to=owner, amount=amount))

    def sent(self) -> bytes:
        """All that the home was heard to say, in one."""
        return b"".join(data for _, data in self.asked)


class ModelMade:
    """A linear model of the next hour's load: weights by feature name, and an intercept, in kWh."""

    def __init__(self, weights: dict[str, float], intercept: float = 0.0, seed: int = 1) -> None:
        task = template("next_hour_load")
        self.plan = plan_of("next_hour_load", "linear", seed=seed)
        named = [weights.get(name, 0.0) for name in task.names]
        # Features are (kWh - 1) / 1, so what they lack is in the intercept.
        self.parameters = np.array([*named, intercept + sum(named)])
        head = ModelHead(
            task.name, family("linear").shape(self.plan), scaler_fixed(len(task.features)), plan_hash(self.plan).hex()
        )
        self.data = model_encode(Model(head, self.parameters))
        figures = Figures(homes=2, rows=900, model={"r2": 0.5}, baselines={"persistence": {"r2": 0.3}})
        hashed = sha256(self.parameters.astype("<f8").tobytes())
        self.card = card_encode(card_build(self.plan, hashed, rounds=15, participants=8, held_out=figures))


def offer(title: str, terms: dict[str, Any], price: int = 0, **changes: Any) -> dict[str, Any]:
    fields = {"id": title.lower().replace(" ", "-"), "title": title, "currency": "EUR", "terms": terms}
    return {"offer": {**fields, **changes}, "price": price}


def day_before() -> ModelMade:
    """What was used in this hour yesterday: near the truth in a home that lives by the clock."""
    return ModelMade({"load_24h": 1.0}, seed=1)


def always(kwh: float) -> ModelMade:
    """The same every hour, whatever was used."""
    return ModelMade({}, kwh, seed=2)


def measured(home: Household, device: TestDevice, days: int = DAYS) -> None:
    """Hourly energy up to now: little by day, much in the evening, and a spike that nothing else looks like."""
    end = to_ms(timezone.now()) // HOUR_MS * HOUR_MS
    times = [end - (24 * days - hour) * HOUR_MS for hour in range(24 * days)]
    values = [_load_wh(time, place) for place, time in enumerate(times)]
    values[-1] = SENTINEL_WH
    raws = [device.segment("energy", times[at : at + 60], values[at : at + 60]) for at in range(0, len(times), 60)]
    stored = segments_store(device=device.row, raws=raws, received_ms=to_ms(timezone.now()))
    assert all(each.code == "" for each in stored), stored


def _load_wh(time_ms: int, place: int) -> int:
    hour = time_ms // HOUR_MS % 24
    return (1_500 if 18 <= hour < 22 else 250) + place * 7919 % 90


def names_of(home: Household) -> dict[str, str]:
    """An inquiry with one offer, which the owner has ordered; made without its enterprise. For tests of access."""
    MemoryAdvice.market = AdviceMarket()
    inquiry = Inquiry(
        household=home, account_index=0, account=bytes(20), service=SERVICE, service_name=SERVICE_NAME,
        task="next_hour_load", state=Inquiry.State.READY,
    )  # fmt: skip
    run = ModelRun(inquiry=inquiry, version=bytes(32), row=b"", enterprise=bytes(20), state=ModelRun.State.DONE)
    ranked = RankedOffer(
        inquiry=inquiry, run=run, place=1, offer=offer("Night owl", NIGHT)["offer"], digest=bytes(32), cost_year_micro=1
    )
    order = AdviceOrder(
        household=home,
        ranked=ranked,
        order_id=bytes(32),
        nonce=bytes(32),
        deadline_ms=1,
        state=AdviceOrder.State.PLACED,
    )
    for row in (inquiry, run, ranked, order):
        row.save(using="home")
    return {"inquiry": str(inquiry.pk), "ranked": str(ranked.pk), "advice_order": str(order.pk)}


class MemoryAdvice:
    """``HEARTH_ADVICE_CONNECTOR``: every home of a test reaches the same market."""

    market: ClassVar[AdviceMarket]

    def connect(self, household: Household) -> Connection:
        return type(self).market.connection()


__all__ = ["FLAT", "NIGHT", "SERVICE", "AdviceMarket", "MemoryAdvice", "ModelMade", "encode"]
