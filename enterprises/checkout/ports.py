"""The market as an enterprise's node sees it. Everything about the ledger that comes through here was verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chain.client.wire import LedgerEvent
from chain.contracts.market.rows import LotRow
from chain.contracts.market.terms import DEFAULTS
from chain.contracts.market.training_rows import PoolRow, TrainingRow
from chain.contracts.peers import PeerRow
from chain.contracts.service_models.rows import ServiceRow
from chain.core.types import Header
from chain.engine.proofs import TxProof

Query = Mapping[str, str | Sequence[str]]


class Ledger(Protocol):
    """What the outbox needs of a ledger. Proofs and headers were checked by a light client."""

    @property
    def ledger(self) -> str: ...

    def head(self) -> Header: ...

    def submit_and_wait(self, transaction: bytes) -> TxProof:
        """Send a signed transaction and wait until it is final; the same bytes may be sent again."""
        ...

    def proof(self, tx_id: bytes) -> TxProof:
        """Raises ``NotFound`` if there is none, or the market's index lags behind its ledger."""
        ...

    def indexed_height(self) -> int:
        """Up to which height events can be had."""
        ...

    def nonce(self, address: bytes) -> int: ...


class ModelsLedger(Ledger, Protocol):
    """The service-model ledger: ``chain.client.ModelsClient``, or one in process."""

    def header(self, height: int) -> Header | None:
        """The verified header of a height, or None if there is no such block yet."""
        ...

    def service(self, service: bytes) -> ServiceRow: ...

    def peer(self, address: bytes) -> PeerRow:
        """The keys of a party as its own signed call names them; raises ``NotFound``."""
        ...

    def job_seed(self, job: bytes) -> bytes | None:
        """The hash of the block after the one that opened a job; None while there is none."""
        ...

    def round_block_after(self, leader: bytes, round_id: bytes, keys_root: bytes) -> bytes | None:
        """The hash of the block after the one that holds the root of a round's keys; None while there is none."""
        ...


class BuyerMarket(Ledger, Protocol):
    """What a buyer needs of a market: ``chain.client.MarketClient``, or a market in process.

    Calls raise ``HearthError`` with the market's own codes, ``Unavailable`` if it is away. ``submit_and_wait``,
    ``proof`` and ``head`` return only what a light client has checked.
    """

    @property
    def params(self) -> Mapping[str, int]:
        """The parameters that the pinned genesis names."""
        ...

    def models(self) -> ModelsLedger:
        """The market's other ledger."""
        ...

    def events(self, after_height: int, up_to_height: int) -> Sequence[LedgerEvent]:
        """Events of the blocks after one height up to another, in order."""
        ...

    def balance(self, address: bytes) -> int: ...

    def history_newest(self, address: bytes, before: str = "") -> dict[str, Any]:
        """A page of the address's moves, newest first: ``moves``, and ``next`` to go on from, or None."""
        ...

    def lot_row(self, lot_id: bytes) -> LotRow: ...

    def training_row(self, order_id: bytes) -> TrainingRow: ...

    def pool_row(self, job: bytes) -> PoolRow: ...

    def object_get(self, object_id: bytes) -> bytes: ...

    def object_put(self, object_id: bytes, data: bytes) -> None:
        """Store an object under its id; sending it again is no error."""
        ...

    def lots(self, query: Query) -> dict[str, Any]: ...

    def lots_named(self, lot_ids: Sequence[str]) -> Sequence[dict[str, Any]]:
        """Those of these lots that are on sale."""
        ...

    def facets(self, query: Query) -> dict[str, Any]: ...

    def lot(self, lot_id: str) -> dict[str, Any]: ...

    def preview(self, lot_id: str) -> dict[str, Any]: ...

    def licence(self, digest: str) -> dict[str, Any]: ...

    def organisation_register(self, name: str, contact: str, key: bytes) -> str:
        """Register and return the token; the secret ``key`` signs the market's challenge and goes nowhere."""
        ...

    def organisation(self) -> dict[str, Any]: ...


def term(market: BuyerMarket, name: str) -> int:
    """A parameter of the market contract: the genesis's, or the default that holds where it names none."""
    return market.params.get(name, DEFAULTS[name])
