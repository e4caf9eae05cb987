"""The world of the table: two homes, two enterprises, a market, and everything that the addresses name, all real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client, TestCase, override_settings
from django.utils import timezone

from chain.core.codec import encode
from chain.core.state import Table
from chain.core.types import Record
from chain.engine.proofs import TxProof
from chain.exchange.handover import funding_new
from chain.stores.index import LedgerIndex
from chain.stores.sql import SqlStore
from enterprises.catalog.indexing import catalog_advance
from enterprises.checkout import services as checkout
from enterprises.partners.models import Organisation
from enterprises.training.services import job_create
from households.models import Batch, Candidate, HubOrder, Lot
from households.services.ledgers import device_ledgers_forget
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from households.uploads.services.selling import hub_advance
from marketplace.accounts.models import User
from marketplace.accounts.services import api_token_create
from marketplace.common.errors import NotFound
from tests import factories
from tests.access import rules
from tests.enterprises import board, offers
from tests.enterprises import market as in_process
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, register
from tests.enterprises.ledger import SharedLedger, signer_of
from tests.households import advice
from tests.households.learning import consent
from tests.households.market import MemoryConnector, MemoryMarket
from tests.households.participation import participation_new
from tests.households.world import DAY_MS, START_MS, TestDevice, devices_new, everybody_votes, home_new, share

SECRET_NAMES = {"home": "Lantern Cottage", "device": "Gable sensor", "enterprise": "Acme Analytics"}


@dataclass
class World:
    """A caller for each role, and what the table's addresses name. ``marks``: texts that only one role may be sent."""

    users: dict[str, User]
    tokens: dict[str, str]
    names: dict[str, str]
    marks: dict[str, tuple[str, ...]]
    home_ledger: str
    device: TestDevice

    def client(self, role: str, *, api: bool) -> Client:
        """The REST API is called with a token, a page with a session."""
        if api and role in self.tokens:
            return Client(headers={"Authorization": f"Bearer {self.tokens[role]}"}, raise_request_exception=False)
        client = Client(raise_request_exception=False)
        if role in self.users:
            client.force_login(self.users[role], backend="django.contrib.auth.backends.ModelBackend")
        elif role in self.tokens:
            client = Client(headers={"Authorization": f"Bearer {self.tokens[role]}"}, raise_request_exception=False)
        return client

    def call(self, role: str, door: rules.Door) -> Any:
        api = door.path.startswith("/api/")
        body, options = self._filled(door.body), {}
        if isinstance(body, bytes):
            options = {"content_type": "application/octet-stream"}
        elif api and door.method != "get":
            options = {"content_type": "application/json"}
        data = {} if body is None else {"data": body}
        call = getattr(self.client(role, api=api), door.method)
        return call(door.path.format(**self.names), **data, **options, headers=door.headers)

    def _filled(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {key: self._filled(value) for key, value in body.items()}
        if isinstance(body, list):
            return [self._filled(value) for value in body]
        return body.format(**self.names) if isinstance(body, str) else body


class EngineNode:
    """What ``chain.rpc.NodeClient`` tells, from an engine in this process."""

    def __init__(self, shared: SharedLedger) -> None:
        self._shared = shared

    def get(self, ledger: str, table_name: str, key: bytes) -> bytes | None:
        row = self._shared.engine.state.get(Table(table_name, Record), key)
        return None if row is None else encode(row)

    def next_nonce(self, ledger: str, address: bytes) -> int:
        return self._shared.engine.next_nonce(address)

    def proof(self, ledger: str, tx_id: bytes) -> TxProof:
        if tx_id not in self._shared.proofs:
            raise NotFound
        return self._shared.proofs[tx_id]

    def scan(self, ledger: str, table_name: str, after: bytes | None = None, limit: int = 10) -> list[Any]:
        rows = self._shared.engine.state.scan(Table(table_name, Record), after or b"")
        return [(key, encode(row)) for key, row in rows if key != after][:limit]

    def submit_and_wait(self, raw: bytes, timeout_s: float = 10.0, ledger: str = "shared") -> TxProof:
        return self._shared.submit(raw)


class _Databases(TestCase):
    """Django's own way to open a transaction in each database that is rolled back in the end."""

    databases = "__all__"


@contextmanager
def rolled_back() -> Iterator[None]:
    """Whatever is written inside, in any of the databases, has never been; may stand inside another one."""
    _Databases.databases = frozenset(settings.DATABASES)
    atomics = _Databases._enter_atomics()
    try:
        yield
    finally:
        _Databases._rollback_atomics(atomics)
        device_ledgers_forget()


@contextmanager
def settings_of(folder: Path) -> Iterator[None]:
    """Folders of the test's own, and markets in this process."""
    store = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder / "store")}}
    with override_settings(
        HEARTH_VAR=folder,
        HEARTH_SECRETS_DIR=folder / "secrets",
        HEARTH_K_CELL=2,
        HEARTH_BUYER_MARKET="tests.enterprises.market.connect",
        HEARTH_LOT_SOURCE="tests.enterprises.market.source",
        HEARTH_HUB_CONNECTOR="tests.households.market.MemoryConnector",
        HEARTH_ADVICE_CONNECTOR="tests.households.advice.MemoryAdvice",
        STORAGES={**settings.STORAGES, "lots": store},
    ):
        device_ledgers_forget()
        yield


def world_make() -> World:
    """Make it, in the databases as they are."""
    users = {
        rules.OWNER: factories.owner(),
        rules.OTHER_OWNER: factories.owner(),
        rules.MEMBER: factories.member(),
        rules.OTHER_MEMBER: factories.member(),
        rules.OUTSIDER: factories.member(),
        rules.OPERATOR: factories.operator(),
    }
    tokens = {role: api_token_create(user=user, label="test")[1] for role, user in users.items()}
    row, _ = api_token_create(user=users[rules.OWNER], label="meter")
    home, device, home_names = _home(users[rules.OWNER], users[rules.OTHER_OWNER])
    hub, enterprise_names, wallet = _enterprises(users[rules.MEMBER], users[rules.OTHER_MEMBER])
    tokens |= hub
    names = {**home_names, **enterprise_names, "token": str(row.pk)}
    own_of_home = (
        home.name,
        str(home.pk),
        home.ledger,
        *(home_names[key] for key in ("candidate", "batch", "lot", "consent", "participation")),
    )
    marks = {
        rules.OWNER: (*own_of_home, home_names["device"], SECRET_NAMES["device"]),
        rules.MEMBER: (SECRET_NAMES["enterprise"], *(names[key] for key in ("order", "purchase", "job")), wallet),
    }
    return World(users, tokens, names, marks, home.ledger, device)


def _home(owner: User, other: User) -> tuple[Any, TestDevice, dict[str, str]]:
    """A home with one device, one that waits, and one lot that was sold; and the home of another owner."""
    MemoryConnector.market = market = MemoryMarket()
    home = home_new(owner.pk, name=SECRET_NAMES["home"])
    home_new(other.pk)
    (device,) = devices_new(home, 1)
    type(device.row).objects.using("home").filter(pk=device.row.pk).update(name=SECRET_NAMES["device"])
    TestDevice(home, 2).greet()
    share(home, "climate")
    device.measure("temperature")
    batch = batch_close(household=home, cut_ms=START_MS + DAY_MS)
    assert batch is not None
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes([device])
    for _ in range(4):
        Lot.objects.using("home").update(next_try_at=timezone.now())
        uploads_advance(home)
    lot = Lot.objects.using("home").get()
    assert lot.state == Lot.State.LISTED, (lot.state, lot.last_error_code)
    _buy(market, lot)
    for _ in range(4):
        HubOrder.objects.using("home").update(next_try_at=timezone.now())
        hub_advance(home)
        market.tick(1_500)
    assert HubOrder.objects.using("home").get().state == HubOrder.State.SETTLED
    names = {
        "home": str(home.pk),
        "device": str(device.row.pk),
        "candidate": str(Candidate.objects.using("home").get(state=Candidate.State.WAITING).pk),
        "batch": str(Batch.objects.using("home").get().pk),
        "lot": str(lot.pk),
        "consent": str(consent(home).pk),
        "participation": str(participation_new(home).pk),
        **advice.names_of(home),
    }
    return home, device, names


def _buy(market: MemoryMarket, lot: Lot) -> None:
    row = market.lot(bytes(lot.lot_id))
    buyer = market.buyer(bytes([77]) * 32)
    paid = market.call(buyer.secret, "market.fund", funding_new(bytes([5]) * 32, row, buyer.address, market.ledger))
    assert paid.receipt.code == ""


def _enterprises(member: User, other: User) -> tuple[dict[str, str], dict[str, str], str]:
    """Two accredited enterprises, one of which has bought a lot; tokens, names, and the buyer's wallet."""
    shared = SharedLedger()
    in_process.world_set(shared)
    neighbour, hub = Home(shared), Home(shared)
    neighbour.api.post("/api/v1/market/cells", {"cell": neighbour.cell}, format="json")
    lot, second = hub.list(hub.seal()), hub.list(hub.seal(quantity="humidity"))
    catalog_advance(in_process.source())
    buyer = Buyer(member, shared, name=SECRET_NAMES["enterprise"])
    colleague = factories.member()
    checkout.member_add(actor=buyer.member, user_id=colleague.pk, role="buyer")
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    hub.deliver(lot)
    buyer.rounds()
    Buyer(other, shared, name="Other Ltd")
    training = _board(buyer.market.token, hub.token)
    job = job_create(
        member=buyer.member,
        service="tariff-advice",
        purpose="Compare tariffs.",
        gather_s=3600,
        fields={"task": "next_hour_load"},
    )
    register("/api/v1/market/organisations", signer_of("pending"), name="Pending Ltd", contact="p@example.org")
    _ledger_to_database(shared)
    (order,) = shared.orders()
    names = {
        "hub_key": hub.key.public_key.hex(),
        "organisation": str(Organisation.objects.get(address=buyer.wallet.address).public_id),
        "pending": str(Organisation.objects.get(name="Pending Ltd").public_id),
        "object": lot.secrets.object_id.hex(),
        "market_lot": lot.id,
        "second_lot": second.id,
        "licence": lot.digest.licence.hex(),
        "colleague": str(colleague.pk),
        "order": str(purchase.order.public_id),
        "purchase": str(purchase.public_id),
        "job": str(job.public_id),
        "fund_tx": purchase.steps.exclude(tx_id="").order_by("pk").values_list("tx_id", flat=True)[0],
        "height": str(shared.height()),
        "tx": lot.publish_tx,
        "address": order.buyer.hex(),
        "market_order": order.order_id.hex(),
        **training,
        **offers.names_of(buyer.enterprise),
    }
    return {rules.HUB: hub.token, rules.ORGANISATION: buyer.market.token}, names, buyer.wallet.address


def _board(organisation: str, hub: str) -> dict[str, str]:
    """The buyer looks for homes, the hub takes part, and a letter waits for it."""
    acme, home = board.Party(organisation), board.Party(hub)
    notice, key = board.notice_new(acme), home.pseudonym()
    home.board.answer(notice.plan_hash, key.address, board.BUNDLE)
    assert acme.put(key.address, notice.enterprise, 1, b"sealed").status_code == 201
    return {"plan": notice.plan_hash.hex(), "pseudonym": key.address.hex(), "wallet": notice.enterprise.hex()}


def _ledger_to_database(shared: SharedLedger) -> None:
    """The ledger's own pages read blocks from the database, as the node would have written them."""
    store = SqlStore(shared.ledger, "ledger")
    store.save_genesis(shared.engine.genesis)
    for block in shared.engine.store.blocks():
        store.append(block)
    LedgerIndex(store).rebuild()
