"""Executing stored blocks again, and finding the first one that contradicts itself or its predecessors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chain.core.blocks import header_hash, receipts_root, transactions_root
from chain.core.codec import decode
from chain.core.contract import ContractSet
from chain.core.errors import BadSignature, LedgerFault, Malformed
from chain.core.finality import votes_check
from chain.core.types import Block, Genesis, Header
from chain.crypto import secp256k1
from chain.engine.application import Application, Prepared, Proposal
from chain.engine.checkpoints import checkpoint_parts
from chain.engine.ports import Store, VerifySignature
from marketplace.common.errors import HearthError

Progress = Callable[[int, int], None]
"""``(height done, height of the head)``, called after each block."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """How far the ledger holds, and the first height where it does not (0: the genesis)."""

    ledger: str
    blocks: int
    transactions: int
    head_hash: bytes
    wrong_height: int | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.wrong_height is None


def replay_block(app: Application, block: Block, verify: VerifySignature | None) -> Proposal:
    """Check a block against its votes, its roots and what executing it gives; what ``apply`` needs to take it over.

    Signatures of transactions are checked too if ``verify`` is given. Raises ``LedgerFault`` with the height.
    """
    header, height = block.header, app.height + 1
    _check_place(app, header, height)
    if transactions_root(block.transactions) != header.tx_root:
        raise LedgerFault("the transactions are not those of the header", height=height)
    if receipts_root(block.receipts) != header.receipt_root:
        raise LedgerFault("the receipts are not those of the header", height=height)
    prepared = [_prepared(app, raw, height, verify) for raw in block.transactions]
    votes_check(app.judges(prepared), header, block.commit)
    proposal = app.execute(prepared, header.time_ms, header.proposer)
    if proposal.receipts != block.receipts:
        raise LedgerFault("executing the block gives other receipts", height=height)
    if proposal.header != header:
        raise LedgerFault("executing the block gives another state", height=height)
    return proposal


def verify_chain(
    store: Store,
    contracts: ContractSet,
    progress: Progress | None = None,
    *,
    verify: VerifySignature = secp256k1.verify,
) -> VerifyReport:
    """Replay a whole ledger from its genesis, checking every byte that is stored, checkpoints included.

    Never raises for what is wrong in the store: the report names the first wrong height.
    """
    try:
        genesis = store.genesis()
        if genesis is None:
            return VerifyReport(store.ledger, 0, 0, b"", 0, "the ledger has no genesis")
        if genesis.ledger != store.ledger:
            return VerifyReport(store.ledger, 0, 0, b"", 0, "the genesis is of another ledger")
        app = Application(genesis, contracts)
    except HearthError as fault:
        return VerifyReport(store.ledger, 0, 0, b"", 0, fault.detail)
    return _verify_blocks(store, app, progress, verify)


def _verify_blocks(store: Store, app: Application, progress: Progress | None, verify: VerifySignature) -> VerifyReport:
    transactions, head = 0, store.height()
    checkpoints = set(store.checkpoint_heights())
    try:
        for height, data in store.rows():
            if height != app.height + 1:
                raise LedgerFault("the block is missing", height=app.height + 1)
            block = _decoded(data, height)
            app.apply(replay_block(app, block, verify))
            transactions += len(block.transactions)
            if height in checkpoints:
                _check_checkpoint(store, app, app.genesis, height)
            if progress is not None:
                progress(height, head)
        beyond = [height for height in checkpoints if height > app.height]
        if beyond:
            raise LedgerFault("a checkpoint stands above the last block", height=app.height + 1)
    except HearthError as fault:
        wrong = fault.height if isinstance(fault, LedgerFault) and fault.height is not None else app.height + 1
        return VerifyReport(store.ledger, app.height, transactions, app.head_hash, wrong, fault.detail)
    return VerifyReport(store.ledger, app.height, transactions, app.head_hash)


def _decoded(data: bytes, height: int) -> Block:
    try:
        return decode(Block, data)
    except Malformed as fault:
        raise LedgerFault("the bytes are not a block", height=height) from fault


def _check_place(app: Application, header: Header, height: int) -> None:
    if header.ledger != app.ledger:
        raise LedgerFault("the block is of another ledger", height=height)
    if header.height != height:
        raise LedgerFault("the header names another height", height=height)
    if header.previous != app.head_hash:
        raise LedgerFault("the block does not follow its predecessor", height=height)


def _prepared(app: Application, raw: bytes, height: int, verify: VerifySignature | None) -> Prepared:
    try:
        prepared = app.prepare(raw)
        if verify is not None and not verify(prepared.tx.sender, prepared.tx_id, prepared.signature):
            raise BadSignature
    except HearthError as fault:
        raise LedgerFault(f"a transaction of the block: {fault.detail}", height=height) from fault
    return prepared


def _check_checkpoint(store: Store, app: Application, genesis: Genesis, height: int) -> None:
    if app.head is None or header_hash(app.head) != app.head_hash:
        raise LedgerFault("the head is not the last block", height=height)
    parts = store.checkpoint_parts(height)
    if not parts and height not in store.checkpoint_heights():
        return  # the ledger's own process has replaced it by a newer one meanwhile
    if parts != tuple(checkpoint_parts(genesis, app.head, app.state.snapshot())):
        raise LedgerFault("the checkpoint is not the state of its block", height=height)
