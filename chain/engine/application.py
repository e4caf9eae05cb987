"""The application: what a ledger's transactions do, whoever orders them.

It takes transactions and time as given and says what the block's header must be. It knows nothing of pools, votes or
stores, so the same object stands behind the ledger node, a home's hub, and ABCI 2.0 (``prepare`` is CheckTx,
``execute`` FinalizeBlock, ``apply`` Commit, ``state`` Query).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chain.core.blocks import (
    genesis_hash,
    header_hash,
    receipts_root,
    state_hash_next,
    transactions_root,
    validators_hash,
)
from chain.core.codec import decode, decoder
from chain.core.contract import Call, ContractSet
from chain.core.errors import LedgerFault, Malformed, UnknownCall, WrongLedger
from chain.core.memory_state import Change, MemoryState, Overlay
from chain.core.system import NONCES, NonceRow, next_nonce
from chain.core.transactions import tx_id_of, tx_parse
from chain.core.types import (
    Block,
    Commit,
    Context,
    Event,
    Genesis,
    Header,
    Receipt,
    SignedTransaction,
    Transaction,
    Validator,
)
from chain.crypto.hashing import address_of
from marketplace.common.errors import HearthError

MAX_TX_BYTES: Final = 131_072
"""The size limit where the genesis has no ``max_tx_bytes``: a chunk of 64 KiB with its paths fits twice."""


class BadArguments(Malformed):
    """The call is known, its arguments do not decode."""

    code = "tx_bad_arguments"
    title = "The arguments are not what the call takes"


class ContractFault(LedgerFault):
    """A contract failed in a way that is no refusal: a fault in our code. The transaction can't stand in a block."""

    code = "contract_fault"
    title = "The call failed inside the contract"

    def __init__(self, detail: str = "", *, height: int | None = None, position: int | None = None) -> None:
        super().__init__(detail, height=height)
        self.position = position


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A transaction that decoded, is for this ledger, and whose call and arguments are known; ``raw`` is as sent."""

    raw: bytes
    signed: SignedTransaction
    tx_id: bytes
    sender: bytes
    call: Call
    args: Any

    @property
    def tx(self) -> Transaction:
        return self.signed.tx

    @property
    def signature(self) -> bytes:
        return self.signed.signature


@dataclass(frozen=True, slots=True)
class Proposal:
    """A block before its votes: its header, what executing it made of receipts and state, and who votes on it."""

    header: Header
    block_hash: bytes
    transactions: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]
    changes: tuple[Change, ...]
    judges: tuple[Validator, ...]

    def block(self, commit: Commit) -> Block:
        """The block with the votes of its validators."""
        return Block(self.header, self.transactions, self.receipts, commit)


class Application:
    """The state of one ledger and the rules that change it; starts at the genesis, height 0."""

    def __init__(self, genesis: Genesis, contracts: ContractSet) -> None:
        self.genesis: Final = genesis
        self.contracts: Final = contracts
        self.genesis_hash: Final = genesis_hash(genesis)
        self.params: Final = dict(genesis.params)
        self.roles: Final = dict(genesis.roles)
        self.max_tx_bytes: Final = self.params.get("max_tx_bytes", MAX_TX_BYTES)
        self._calls = _calls_by_name(contracts)
        self.state = MemoryState()
        self.head: Header | None = None
        self.head_hash = self.genesis_hash
        self.state_hash = self._begin()

    @property
    def ledger(self) -> str:
        return self.genesis.ledger

    @property
    def height(self) -> int:
        return 0 if self.head is None else self.head.height

    @property
    def time_ms(self) -> int:
        """The time of the last block; the next one must be later."""
        return self.genesis.time_ms if self.head is None else self.head.time_ms

    @property
    def validators(self) -> tuple[Validator, ...]:
        """Who votes on the next block, unless its transactions narrow them (``judges``)."""
        return self.contracts.validators(self.genesis, self.state)

    def judges(self, transactions: Sequence[Prepared]) -> tuple[Validator, ...]:
        """Who votes on the next block if it holds these transactions."""
        if self.contracts.judges is None:
            return self.validators
        return self.contracts.judges(self.genesis, self.state, [prepared.tx for prepared in transactions])

    def pending(self) -> bool:
        """Whether a contract waits for block time to pass, so that empty blocks are of use."""
        return any(contract.pending(self.state) for contract in self.contracts.contracts)

    def prepare(self, raw: bytes) -> Prepared:
        """Everything that can be checked of a transaction without the state, except its signature.

        Raises ``TooLarge``, ``Malformed``, ``WrongLedger``, ``UnknownCall`` or ``BadArguments``.
        """
        signed = tx_parse(raw, self.max_tx_bytes)
        tx = signed.tx
        if tx.ledger != self.genesis.ledger:
            raise WrongLedger(f"the transaction is for another ledger than {self.genesis.ledger}")
        call = self._calls.get(tx.call)
        if call is None:
            raise UnknownCall
        try:
            args = decode(call.args, tx.args)
        except Malformed as fault:
            raise BadArguments(f"the arguments of {tx.call} do not decode") from fault
        return Prepared(raw, signed, tx_id_of(raw), address_of(tx.sender), call, args)

    def execute(self, transactions: Sequence[Prepared], time_ms: int, proposer: bytes) -> Proposal:
        """What the next block is if it holds these transactions, in this order, at this time. Changes nothing.

        A refused call leaves a receipt with its code and uses up its nonce. Raises ``LedgerFault`` if the time does not
        rise or a transaction can't stand here (nonce, expiry), and ``ContractFault`` with its position if a contract
        fails.
        """
        height = self.height + 1
        if time_ms <= self.time_ms:
            raise LedgerFault("block time must rise", height=height)
        overlay = Overlay(self.state)
        begin = Context(self.genesis, self.params, self.roles, height, time_ms, self.head_hash)
        for contract in self.contracts.contracts:
            contract.begin_block(begin, overlay)
        overlay.settle()
        receipts = tuple(
            self._run(prepared, position, begin, overlay) for position, prepared in enumerate(transactions)
        )
        raws = tuple(prepared.raw for prepared in transactions)
        changes = tuple(overlay.changes())
        judges = self.judges(transactions)
        header = Header(
            ledger=self.genesis.ledger,
            height=height,
            previous=self.head_hash,
            time_ms=time_ms,
            tx_root=transactions_root(raws),
            receipt_root=receipts_root(receipts),
            state_hash=state_hash_next(self.state_hash, changes),
            validators_hash=validators_hash(judges),
            proposer=proposer,
        )
        return Proposal(header, header_hash(header), raws, receipts, changes, judges)

    def apply(self, proposal: Proposal) -> None:
        """Take over what ``execute`` found; raises ``LedgerFault`` if it was made for another head."""
        if proposal.header.previous != self.head_hash or proposal.header.height != self.height + 1:
            raise LedgerFault("the proposal does not follow the head", height=proposal.header.height)
        self.state.apply(proposal.changes)
        self.head = proposal.header
        self.head_hash = proposal.block_hash
        self.state_hash = proposal.header.state_hash

    def restore(self, head: Header, state: MemoryState) -> None:
        """Go on from a checkpoint instead of the genesis."""
        self.state = state
        self.head = head
        self.head_hash = header_hash(head)
        self.state_hash = head.state_hash

    def _begin(self) -> bytes:
        overlay = Overlay(self.state)
        for contract in self.contracts.contracts:
            contract.at_genesis(self.genesis, overlay)
        changes = overlay.changes()
        self.state.apply(changes)
        return state_hash_next(self.genesis_hash, changes)

    def _run(self, prepared: Prepared, position: int, begin: Context, overlay: Overlay) -> Receipt:
        tx, sender, height = prepared.signed.tx, prepared.sender, begin.height
        if tx.nonce != next_nonce(overlay, sender) or tx.valid_until < height:
            raise LedgerFault(f"transaction {position} can't stand in this block", height=height)
        overlay.put(NONCES, sender, NonceRow(tx.nonce + 1))
        mark = overlay.mark()
        ctx = Context(
            self.genesis,
            self.params,
            self.roles,
            height,
            begin.time_ms,
            begin.previous,
            prepared.tx_id,
            tx.sender,
            sender,
        )
        code = ""
        events: tuple[Event, ...] = ()
        try:
            events = prepared.call.run(ctx, overlay, prepared.args)
        except HearthError as refusal:
            overlay.rollback(mark)
            code = refusal.code
        except MemoryError:
            raise
        except Exception as fault:
            raise ContractFault(f"{tx.call}: {type(fault).__name__}", height=height, position=position) from fault
        overlay.settle()
        return Receipt(prepared.tx_id, code, events)


def _calls_by_name(contracts: ContractSet) -> dict[str, Call]:
    calls = {
        f"{contract.name}.{name}": call for contract in contracts.contracts for name, call in contract.calls.items()
    }
    for call in calls.values():
        decoder(call.args)
    return calls
