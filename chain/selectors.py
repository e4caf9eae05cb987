"""Reading ledgers that stand in this process's databases: blocks, receipts, and the index behind them.

``alias`` is the database (``ledger`` or ``home``), ``ledger`` the ledger's id. The index may lag a moment behind the
blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from chain.contracts import CONTRACT_SETS
from chain.core.contract import ContractSet
from chain.core.types import Block, Genesis
from chain.engine.ports import NoSuchLedger
from chain.engine.proofs import TxProof, proof_make
from chain.models import EventIndex, TxIndex
from chain.stores.sql import SqlStore, ledgers_in
from marketplace.common.errors import NotFound

LIMIT = 1_000


def ledger_store(*, alias: str, ledger: str) -> SqlStore:
    """The store of a ledger by its id, or by its kind if the database keeps one of it; raises ``NoSuchLedger``."""
    ids = ledgers_in(alias)
    if ledger in ids:
        return SqlStore(ledger, alias)
    found = [each for each in ids if ledger in CONTRACT_SETS and _kind(alias, each) == ledger]
    if len(found) != 1:
        raise NoSuchLedger(f"there is no ledger {ledger} in the database {alias}")
    return SqlStore(found[0], alias)


def ledger_genesis(*, alias: str, ledger: str) -> Genesis:
    """What a ledger started from; raises ``NoSuchLedger``, or ``LedgerFault`` if it was changed."""
    genesis = ledger_store(alias=alias, ledger=ledger).genesis()
    if genesis is None:
        raise NoSuchLedger(f"there is no ledger {ledger} in the database {alias}")
    return genesis


def ledger_contracts(genesis: Genesis) -> ContractSet:
    """The contracts of a ledger's kind; raises ``NoSuchLedger`` if this version knows no such kind."""
    contracts = CONTRACT_SETS.get(genesis.kind)
    if contracts is None:
        raise NoSuchLedger(f"this version knows no ledgers of the kind {genesis.kind}")
    return contracts


def block_at(*, alias: str, ledger: str, height: int) -> Block:
    """One block; raises ``NotFound``."""
    block = SqlStore(ledger, alias).block(height)
    if block is None:
        raise NotFound(f"the ledger has no block {height}")
    return block


def transaction_find(*, alias: str, ledger: str, tx_id: bytes) -> TxIndex:
    """Where a transaction stands; raises ``NotFound``."""
    found = TxIndex.objects.using(alias).filter(ledger_id=ledger, tx_id=tx_id).first()
    if found is None:
        raise NotFound("the ledger has no such transaction, or it is not indexed yet")
    return found


def transaction_proof(*, alias: str, ledger: str, tx_id: bytes) -> TxProof:
    """The receipt that proves a final transaction; raises ``NotFound``."""
    found = transaction_find(alias=alias, ledger=ledger, tx_id=tx_id)
    return proof_make(block_at(alias=alias, ledger=ledger, height=found.height), tx_id)


def transactions_of_sender(
    *, alias: str, ledger: str, sender: bytes, after_height: int = 0, limit: int = LIMIT
) -> list[TxIndex]:
    """What an address sent after a height, oldest first."""
    rows = TxIndex.objects.using(alias).filter(ledger_id=ledger, sender=sender, height__gt=after_height)
    return list(rows.order_by("height", "position")[: min(limit, LIMIT)])


def events_of_subject(
    *, alias: str, ledger: str, subject: bytes, after_height: int = 0, limit: int = LIMIT
) -> list[EventIndex]:
    """Events that touch an id or address after a height, oldest first."""
    rows = EventIndex.objects.using(alias).filter(ledger_id=ledger, subject=subject, height__gt=after_height)
    return list(rows.order_by("height", "position", "number")[: min(limit, LIMIT)])


def events_after(
    *, alias: str, ledger: str, after_height: int, kinds: tuple[str, ...] = (), limit: int = LIMIT
) -> list[EventIndex]:
    """Events after a height, oldest first, a row for each subject; of some kinds if any are named."""
    rows = EventIndex.objects.using(alias).filter(ledger_id=ledger, height__gt=after_height)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    return list(rows.order_by("height", "position", "number", "subject")[: min(limit, LIMIT)])


def blocks_after(*, alias: str, ledger: str, height: int) -> Iterator[Block]:
    """Blocks above a height, oldest first."""
    return SqlStore(ledger, alias).blocks(height + 1)


def _kind(alias: str, ledger: str) -> str:
    genesis = SqlStore(ledger, alias).genesis()
    return genesis.kind if genesis else ""
