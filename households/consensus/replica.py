"""A voter's own copy of its home's device ledger: it executes every block itself and takes nobody's word for the state.

Pure: blocks and proposals come in as bytes, and the caller keeps what must last.
"""

from __future__ import annotations

from chain.contracts import CONTRACT_SETS, DEVICE
from chain.contracts.devices.rows import HOME_BATCHES, BatchRow
from chain.core.codec import decode
from chain.core.errors import LedgerFault, Malformed
from chain.core.types import Block, Genesis, Header, Validator
from chain.crypto import secp256k1
from chain.engine.application import Application, Prepared
from chain.engine.application import Proposal as Executed
from chain.engine.replay import replay_block
from households.consensus.errors import ProposalNotReproduced, ProposalRefused, ProposalWrongPlace
from households.consensus.membership import Membership, membership_of
from households.consensus.proposal import Proposal, proposal_verify


class Replica:
    """The device ledger as one voter knows it, from its genesis on."""

    def __init__(self, genesis: bytes) -> None:
        """Begin at a canonical genesis; raises ``Malformed``, or ``LedgerFault`` if it is none of a device ledger."""
        parsed = decode(Genesis, genesis)
        if parsed.kind != DEVICE or not {"owner", "hub"} <= dict(parsed.roles).keys():
            raise LedgerFault("the genesis is not that of a device ledger", height=0)
        self._app = Application(parsed, CONTRACT_SETS[DEVICE])

    @property
    def ledger(self) -> str:
        """The ledger's id."""
        return self._app.ledger

    @property
    def genesis_hash(self) -> bytes:
        """The ledger's identity."""
        return self._app.genesis_hash

    @property
    def height(self) -> int:
        """The height of the last block taken."""
        return self._app.height

    @property
    def roles(self) -> dict[str, bytes]:
        """Owner's and hub's keys, from the genesis."""
        return self._app.roles

    @property
    def members(self) -> Membership:
        """The home after the last block."""
        return membership_of(self._app.ledger, self._app.state)

    def batch(self, batch_id: bytes) -> BatchRow | None:
        """A batch that was closed on this ledger."""
        return self._app.state.get(HOME_BATCHES, batch_id)

    def take(self, raw: bytes) -> Block:
        """Check and take over the next final block. Raises ``LedgerFault`` or ``Malformed``; nothing changes then."""
        block = decode(Block, raw)
        self._app.apply(replay_block(self._app, block, secp256k1.verify))
        return block

    def judges_of(self, proposal: Proposal) -> tuple[Validator, ...]:
        """Who votes on this block: the voters before it; nobody on its own removal."""
        return self._app.judges([self._prepared(raw) for raw in proposal.transactions])

    def check(self, proposal: Proposal) -> Executed:
        """Check the hub's signature, the round, the place, and that executing it gives the very same header.

        Raises ``ProposalBadSignature``, ``RoundNotVoid``, ``ProposalWrongPlace``, ``ProposalNotReproduced`` or
        ``ProposalRefused``.
        """
        header = proposal.body.header
        proposal_verify(proposal, self.roles["hub"], self.roles["owner"])
        if (header.ledger, header.height, header.previous) != (self.ledger, self.height + 1, self._app.head_hash):
            raise ProposalWrongPlace()
        executed = self._execute(proposal, header)
        if executed.header != header:
            raise ProposalNotReproduced()
        return executed

    def _execute(self, proposal: Proposal, header: Header) -> Executed:
        prepared = [self._prepared(raw) for raw in proposal.transactions]
        try:
            return self._app.execute(prepared, header.time_ms, header.proposer)
        except LedgerFault as error:
            raise ProposalNotReproduced() from error

    def _prepared(self, raw: bytes) -> Prepared:
        try:
            prepared = self._app.prepare(raw)
        except Malformed as error:
            raise ProposalRefused("a transaction does not decode") from error
        if not secp256k1.verify(prepared.tx.sender, prepared.tx_id, prepared.signature):
            raise ProposalRefused("a transaction is not signed by its sender")
        return prepared
