"""Looking at a deployment's ledgers from outside, by replaying them: who holds what, and whether every block holds.

It reads the SQLite files of a folder ``var`` and nothing else, so that it believes no process that wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from chain.contracts import CONTRACT_SETS, SHARED
from chain.contracts.credits import BALANCES, supply
from chain.contracts.market.rows import LOTS, ORDERS, LotRow, OrderRow
from chain.core.memory_state import MemoryState
from chain.engine.ledger import Ledger
from chain.engine.replay import verify_chain
from chain.stores.sql import SqlStore, ledgers_in
from marketplace import env
from marketplace.common.errors import NotFound

FILES = {"story_ledger": "ledger.sqlite3", "story_home": "home.sqlite3"}


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """One ledger. ``wrong`` says where it does not hold, and is empty if it does."""

    id: str
    kind: str
    height: int
    transactions: int
    wrong: str

    @property
    def verified(self) -> bool:
        return not self.wrong


@dataclass(frozen=True, slots=True)
class Audit:
    """All ledgers of a deployment, and the shared one's state at its head. Balances and rows are by address and id."""

    ledgers: tuple[LedgerFacts, ...]
    minted: int
    burnt: int
    balances: dict[bytes, int]
    lots: dict[bytes, LotRow]
    orders: dict[bytes, OrderRow]

    @property
    def total(self) -> int:
        """All credits that anybody holds."""
        return sum(self.balances.values())


def audit(var: Path) -> Audit:
    """Replay every ledger in the databases of ``var`` from its genesis."""
    with _opened(var):
        stores = [SqlStore(ledger, alias) for alias in FILES for ledger in ledgers_in(alias)]
        facts = tuple(_facts(store) for store in stores)
        state = _shared_state(stores)
        made = supply(state)
        return Audit(
            ledgers=facts,
            minted=made.minted,
            burnt=made.burnt,
            balances={address: row.amount for address, row in state.scan(BALANCES)},
            lots=dict(state.scan(LOTS)),
            orders=dict(state.scan(ORDERS)),
        )


def _shared_state(stores: list[SqlStore]) -> MemoryState:
    """The state of the shared ledger at its head, on which all money is."""
    for store in stores:
        genesis = store.genesis()
        if genesis is not None and genesis.kind == SHARED:
            return Ledger(genesis, CONTRACT_SETS[SHARED], store).state
    raise NotFound("There is no shared ledger in this folder.")


def _facts(store: SqlStore) -> LedgerFacts:
    genesis = store.genesis()
    if genesis is None:
        return LedgerFacts(store.ledger, "", 0, 0, "no genesis")
    report = verify_chain(store, CONTRACT_SETS[genesis.kind])
    wrong = "" if report.ok else f"block {report.wrong_height}: {report.reason}"
    return LedgerFacts(store.ledger, genesis.kind, report.blocks, report.transactions, wrong)


@contextmanager
def _opened(var: Path) -> Iterator[None]:
    """The folder's databases under aliases of their own, for as long as the block lasts."""
    for alias, file in FILES.items():
        connections.databases[alias] = {**connections.databases["default"], **env.sqlite(var / file)}
    try:
        yield
    finally:
        for alias in FILES:
            connections[alias].close()
            del connections[alias]
            del connections.databases[alias]
