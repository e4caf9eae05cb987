"""What a home needs of the world for advice, as ports: both ledgers, the cloud store, the market's shelf of offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from chain.client.wire import LedgerEvent
from chain.contracts.service_escrow import ServiceMoneyRow
from chain.contracts.service_models.rows import JobRow, OrderRow, ServiceRow, VersionRow
from chain.core.proofs import TxProof
from chain.core.types import Header
from households.models import Household

CONNECTOR = "households.advice.connect.Connector"


class Ledger(Protocol):
    """One ledger. Proofs and headers are verified; events are hints of where to look."""

    @property
    def ledger(self) -> str: ...

    def head(self) -> Header: ...

    def nonce(self, address: bytes) -> int: ...

    def submit_and_wait(self, transaction: bytes) -> TxProof: ...

    def proof(self, tx_id: bytes) -> TxProof: ...

    def events(self, after_height: int, up_to_height: int | None = None, kind: str = "") -> list[LedgerEvent]: ...


class Shared(Ledger, Protocol):
    """The shared ledger, and the store that belongs to the market."""

    def balance(self, address: bytes) -> int: ...

    def service_money_row(self, payer: bytes, service_order: bytes) -> ServiceMoneyRow: ...

    def object_get(self, object_id: bytes) -> bytes: ...


class Models(Ledger, Protocol):
    """The service-model ledger. Rows are what the market says."""

    def services(self) -> list[ServiceRow]: ...

    def models_of(self, service: bytes) -> list[VersionRow]: ...

    def job(self, job: bytes) -> JobRow: ...

    def order(self, order_id: bytes) -> OrderRow: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """The offers that come with a version, ``{"offer": ..., "price": credits}`` each, and who offers."""

    enterprise: bytes
    enterprise_name: str
    offers: tuple[dict[str, Any], ...]


class Shelf(Protocol):
    def listing(self, version: bytes) -> Listing:
        """The offers of a version; raises ``NotFound``."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """All of it for one home."""

    shared: Shared
    models: Models
    shelf: Shelf


def connection_of(household: Household) -> Connection:
    """The home's connection, by the class that the settings name; registers the home at the market if need be."""
    make = import_string(getattr(settings, "HEARTH_ADVICE_CONNECTOR", CONNECTOR))
    found: Connection = make().connect(household)
    return found
