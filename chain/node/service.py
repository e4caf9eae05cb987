"""Makes the blocks of one ledger: gathers transactions for a short while, executes, votes, appends, answers.

Everything but writing happens in the event loop's thread, so the state needs no lock. Who waits for a transaction is
answered only when its block is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from chain.consensus.validators import vote_sign
from chain.core.errors import BadSignature, NonceUsed
from chain.core.types import Block
from chain.crypto import secp256k1
from chain.engine.application import ContractFault, Prepared, Proposal
from chain.engine.ledger import Ledger
from chain.engine.mempool import BLOCK_TRANSACTIONS
from chain.engine.proofs import BlockProofs, TxProof
from chain.node.archive import Archive
from chain.node.frames import NotFinalYet
from chain.node.verifying import Verifier
from marketplace.common.errors import HearthError

log = logging.getLogger("chain.node")
RECENT_BLOCKS: Final = 32
INDEX_LAG_BLOCKS: Final = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """When blocks are made: ``window_s`` after the first transaction, and every ``empty_s`` while a contract waits."""

    window_s: float = 0.020
    empty_s: float = 5.0
    block_transactions: int = BLOCK_TRANSACTIONS


class LedgerService:
    """One ledger of the node. ``run`` makes blocks until ``stop``; it raises if a block could not be written."""

    def __init__(
        self,
        ledger: Ledger,
        validator_secret: bytes,
        *,
        pace: Pace,
        archive: Archive,
        verifier: Verifier,
        disk: Executor,
        clock_ms: Callable[[], int],
        on_block: Callable[[str, int], None],
    ) -> None:
        self.ledger = ledger
        self.archive = archive
        self._secret = validator_secret
        self._proposer = secp256k1.public_key(validator_secret)
        self._pace = pace
        self._verifier = verifier
        self._disk = disk
        self._clock_ms = clock_ms
        self._on_block = on_block
        self._work = asyncio.Event()
        self._enough = asyncio.Event()
        self._stopping = False
        self._waiting: dict[bytes, asyncio.Future[TxProof]] = {}
        self._recent: OrderedDict[int, BlockProofs] = OrderedDict()
        self._height_of: dict[bytes, int] = {}
        self._indexing: asyncio.Future[int] | None = None
        self._checkpointing: asyncio.Future[None] | None = None

    async def submit(self, raw: bytes) -> bytes:
        """Let a transaction wait for its block; gives its id. Sending it again, also after its block, is no error.

        Raises what ``Ledger.check`` raises.
        """
        prepared = self.ledger.prepare(raw)
        if prepared.tx_id in self.ledger.pool:
            return prepared.tx_id
        if not await self._verifier.valid(prepared):
            raise BadSignature
        try:
            self.ledger.admit(prepared)
        except NonceUsed:
            if prepared.tx_id in self.ledger.pool or await self.find(prepared.tx_id) is not None:
                return prepared.tx_id
            raise
        self._work.set()
        if len(self.ledger.pool) >= self._pace.block_transactions:
            self._enough.set()
        return prepared.tx_id

    async def wait(self, tx_id: bytes, timeout_s: float) -> TxProof:
        """The proof of a submitted transaction once it is final; raises ``NotFinalYet``, or why it was dropped."""
        if tx_id in self.ledger.pool:
            future = self._waiting.get(tx_id)
            if future is None:
                future = self._waiting[tx_id] = asyncio.get_running_loop().create_future()
            try:
                return await asyncio.wait_for(asyncio.shield(future), timeout_s)
            except TimeoutError as late:
                raise NotFinalYet from late
        proof = await self.find(tx_id)
        if proof is None:
            raise NotFinalYet("the transaction is not in the ledger")
        return proof

    async def find(self, tx_id: bytes) -> TxProof | None:
        """The proof of a final transaction, or None. What is not found while the index lags is looked up behind it."""
        height = self._height_of.get(tx_id)
        if height is not None:
            return self._recent[height].proof(tx_id)
        loop = asyncio.get_running_loop()
        proof = await loop.run_in_executor(self._disk, self.archive.proof, tx_id)
        while proof is None and self.archive.indexed_height < self.ledger.height:
            if not await loop.run_in_executor(self._disk, self.archive.index):
                break  # the index can't be written
            proof = await loop.run_in_executor(self._disk, self.archive.proof, tx_id)
        return proof

    async def run(self) -> None:
        """Make blocks until ``stop``. What is not in the pool by then is not taken any more."""
        self._index()  # a node that was killed left its last blocks unindexed
        while not self._stopping:
            if await self._wait_for_work():
                await self._make_block()
        if self._checkpointing is not None:
            await self._checkpointing

    def stop(self) -> None:
        """End ``run`` after the block that is being made."""
        self._stopping = True
        self._work.set()
        self._enough.set()

    async def _wait_for_work(self) -> bool:
        """Sleep until there is something to put in a block; false if the service is to stop."""
        if not len(self.ledger.pool):
            self._work.clear()
            self._enough.clear()
            pause_s = self._pace.empty_s if self.ledger.pending() else None
            try:
                await asyncio.wait_for(self._work.wait(), pause_s)
            except TimeoutError:
                return not self._stopping
            if not self._stopping and len(self.ledger.pool) < self._pace.block_transactions:
                await self._window()
        return not self._stopping

    async def _window(self) -> None:
        try:
            await asyncio.wait_for(self._enough.wait(), self._pace.window_s)
        except TimeoutError:
            return

    async def _make_block(self) -> None:
        proposal = self._propose()
        block = self.ledger.seal(proposal, [vote_sign(self._secret, proposal.header)])
        await asyncio.get_running_loop().run_in_executor(self._disk, self.ledger.store.append, block)
        self.ledger.advance(proposal)
        self._remember(block)
        self._on_block(self.ledger.genesis.ledger, block.header.height)
        self._checkpoint()
        self._index()

    def _propose(self) -> Proposal:
        """Execute what waits. A transaction that makes a contract fail is dropped, and the rest is executed anew."""
        ledger, pool = self.ledger, self.ledger.pool
        while True:
            taken = pool.take(ledger.state, ledger.height + 1, self._pace.block_transactions)
            for prepared, reason in taken.dropped:
                self._refuse(prepared, reason)
            try:
                time_ms = max(self._clock_ms(), ledger.time_ms + 1)
                return ledger.execute(taken.transactions, time_ms, self._proposer)
            except ContractFault as fault:
                if fault.position is None:
                    raise
                prepared = taken.transactions[fault.position]
                log.exception("a call failed inside its contract and was dropped: %s", prepared.tx.call)
                pool.remove([prepared.tx_id])
                self._refuse(prepared, fault)

    def _refuse(self, prepared: Prepared, reason: HearthError) -> None:
        future = self._waiting.pop(prepared.tx_id, None)
        if future is not None and not future.done():
            future.set_exception(reason)
            future.exception()  # seen, even if nobody waits any more

    def _remember(self, block: Block) -> None:
        height, proofs = block.header.height, BlockProofs(block)
        self._recent[height] = proofs
        for receipt in block.receipts:
            self._height_of[receipt.tx_id] = height
            future = self._waiting.pop(receipt.tx_id, None)
            if future is not None and not future.done():
                future.set_result(proofs.proof(receipt.tx_id))
        while len(self._recent) > RECENT_BLOCKS and next(iter(self._recent)) <= self.archive.indexed_height:
            _, old = self._recent.popitem(last=False)
            for tx_id in old.tx_ids:
                self._height_of.pop(tx_id, None)

    def _index(self) -> None:
        """Index behind the blocks: when nothing waits, or when the lag grows."""
        if self._indexing is not None and not self._indexing.done():
            return
        lag = self.ledger.height - self.archive.indexed_height
        if lag and (lag >= INDEX_LAG_BLOCKS or not len(self.ledger.pool)):
            loop = asyncio.get_running_loop()
            self._indexing = loop.run_in_executor(self._disk, self.archive.index)
            self._indexing.add_done_callback(self._index_more)

    def _index_more(self, done: asyncio.Future[int]) -> None:
        """Go on while there is a lag; blocks made meanwhile found the index busy."""
        if not done.cancelled() and done.exception() is None and done.result() and not self._stopping:
            self._index()

    def _checkpoint(self) -> None:
        if self._checkpointing is not None and not self._checkpointing.done():
            return
        snapshot = self.ledger.checkpoint_take()
        if snapshot is not None:
            loop = asyncio.get_running_loop()
            self._checkpointing = loop.run_in_executor(None, self.archive.checkpoint, self.ledger, snapshot)
