"""A ledger: the application over a store, with its pool. Opens, checks, executes, commits; who orders is the caller."""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.blocks import genesis_hash
from chain.core.contract import ContractSet
from chain.core.errors import BadSignature, LedgerFault
from chain.core.finality import commit_of, votes_check
from chain.core.memory_state import MemoryState
from chain.core.types import Block, Genesis, Header, Validator, Vote
from chain.crypto import secp256k1
from chain.engine.application import Application, Prepared, Proposal
from chain.engine.checkpoints import CHECKPOINT_EVERY, Tables, checkpoint_due, checkpoint_parts, restore_newest
from chain.engine.mempool import Mempool
from chain.engine.ports import HeightTaken, Store, VerifySignature
from chain.engine.replay import replay_block


class Ledger:
    """One ledger, opened from its store.

    ``check`` says whether a transaction may wait for a block, ``submit`` lets it wait, ``execute`` makes the next
    block's proposal and changes nothing, ``commit`` takes it with the votes of a quorum and appends it durably.
    """

    def __init__(
        self,
        genesis: Genesis,
        contracts: ContractSet,
        store: Store,
        *,
        verify: VerifySignature | None = None,
        pool: Mempool | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
    ) -> None:
        """Open the ledger, or begin it if the store is empty; replays the blocks since the newest checkpoint.

        Raises ``LedgerFault`` if the store holds another genesis, or a block that does not hold.
        """
        self.store = store
        self.pool = Mempool() if pool is None else pool
        self._verify: VerifySignature = secp256k1.verify if verify is None else verify
        self._checkpoint_every = checkpoint_every
        self._since_checkpoint = [0, 0]
        _begin(store, genesis)
        self._app = Application(genesis, contracts)
        restore_newest(self._app, store)
        self.refresh()

    @property
    def genesis(self) -> Genesis:
        return self._app.genesis

    @property
    def genesis_hash(self) -> bytes:
        return self._app.genesis_hash

    @property
    def head(self) -> Header | None:
        """The header of the last block, None before the first."""
        return self._app.head

    @property
    def head_hash(self) -> bytes:
        """The hash of the last block, before the first that of the genesis."""
        return self._app.head_hash

    @property
    def height(self) -> int:
        return self._app.height

    @property
    def time_ms(self) -> int:
        return self._app.time_ms

    @property
    def state(self) -> MemoryState:
        """The state after the last block; to be read only."""
        return self._app.state

    @property
    def validators(self) -> tuple[Validator, ...]:
        """Who votes on the next block."""
        return self._app.validators

    def pending(self) -> bool:
        """Whether a contract waits for block time to pass."""
        return self._app.pending()

    def next_nonce(self, address: bytes) -> int:
        """The nonce that the address must use next, its waiting transactions included."""
        return self.pool.next_nonce(self.state, address)

    def prepare(self, raw: bytes) -> Prepared:
        """What needs no state, except the signature; see ``Application.prepare``."""
        return self._app.prepare(raw)

    def check(self, raw: bytes) -> Prepared:
        """Whether the transaction may wait for a block, its signature included; changes nothing.

        Raises ``TooLarge``, ``Malformed``, ``WrongLedger``, ``UnknownCall``, ``BadArguments``, ``BadSignature``,
        ``Expired``, ``NonceUsed``, ``NonceGap`` or ``PoolFull``.
        """
        prepared = self._app.prepare(raw)
        if not self._verify(prepared.signed.tx.sender, prepared.tx_id, prepared.signed.signature):
            raise BadSignature
        self.pool.require_fit(self.state, self.height + 1, prepared)
        return prepared

    def submit(self, raw: bytes) -> Prepared:
        """``check``, and let the transaction wait."""
        prepared = self.check(raw)
        self.pool.add(prepared)
        return prepared

    def admit(self, prepared: Prepared) -> None:
        """Let a transaction wait whose signature was checked already; raises what ``Mempool.require_fit`` does."""
        self.pool.require_fit(self.state, self.height + 1, prepared)
        self.pool.add(prepared)

    def execute(self, transactions: Sequence[Prepared], time_ms: int, proposer: bytes) -> Proposal:
        """The next block's proposal; see ``Application.execute``."""
        return self._app.execute(transactions, time_ms, proposer)

    def seal(self, proposal: Proposal, votes: Sequence[Vote]) -> Block:
        """The block with its votes, if they are a quorum of its judges; raises ``BadVote`` or ``NoQuorum``."""
        if proposal.header.previous != self.head_hash:
            raise LedgerFault("the proposal does not follow the head", height=proposal.header.height)
        commit = commit_of(votes)
        votes_check(proposal.judges, proposal.header, commit)
        return proposal.block(commit)

    def advance(self, proposal: Proposal) -> None:
        """Take over a proposal whose sealed block the store has taken."""
        self._app.apply(proposal)
        self.pool.remove(receipt.tx_id for receipt in proposal.receipts)
        self._since_checkpoint[0] += 1
        self._since_checkpoint[1] += len(proposal.changes)

    def commit(self, proposal: Proposal, votes: Sequence[Vote]) -> Block:
        """Seal the proposal, append it durably, take it over, and write a checkpoint when one is due.

        Raises ``BadVote``, ``NoQuorum``, or ``HeightTaken`` when somebody else appended meanwhile (``refresh`` then).
        """
        block = self.seal(proposal, votes)
        self.store.append(block)
        self.advance(proposal)
        snapshot = self.checkpoint_take()
        if snapshot is not None:
            self.checkpoint_save(snapshot)
        return block

    def refresh(self) -> int:
        """Take over blocks that others appended to the store; how many there were. Raises ``LedgerFault``."""
        before = self.height
        for block in self.store.blocks(before + 1):
            self.advance(replay_block(self._app, block, None))
        return self.height - before

    def checkpoint_take(self, *, now: bool = False) -> tuple[Header, Tables] | None:
        """A snapshot to write, if one is due or wanted ``now``; cheap, so that another thread may write it."""
        blocks, changes = self._since_checkpoint
        due = now or checkpoint_due(blocks, changes, self.state.row_count(), self._checkpoint_every)
        if self.head is None or not due:
            return None
        self._since_checkpoint = [0, 0]
        return self.head, self.state.snapshot()

    def checkpoint_save(self, snapshot: tuple[Header, Tables]) -> None:
        """Write what ``checkpoint_take`` gave."""
        header, tables = snapshot
        self.store.save_checkpoint(header.height, checkpoint_parts(self.genesis, header, tables))


def _begin(store: Store, genesis: Genesis) -> None:
    """Keep the genesis, or make sure that it is the one that the store keeps already."""
    stored = store.genesis()
    if stored is None:
        try:
            store.save_genesis(genesis)
            return
        except HeightTaken:
            stored = store.genesis()
    if stored is None or genesis_hash(stored) != genesis_hash(genesis):
        raise LedgerFault("the store holds this ledger with another genesis", height=0)
