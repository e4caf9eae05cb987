"""The hub's proposal of one block, the owner's ``void``, and the proof that a hub proposed twice (protocols.md 1).

A proposal stays open and is re-sent unchanged until its quorum. The owner may sign ``void`` for a round, which opens
the next; a proposal of round r carries the voids of rounds 0..r-1, so that a voter needs nobody's word for them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from chain.contracts.devices.rows import CloseBatch
from chain.core.blocks import header_hash
from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Hash, Header, Name, PublicKey, Record, Signature, SignedTransaction, Uint
from chain.crypto.hashing import tagged
from chain.crypto.secp256k1 import sign, verify
from households.consensus.errors import ProposalBadSignature, ProposalRefused, RoundNotVoid

MAX_ROUNDS = 100
CLOSE_BATCH = "devices.close_batch"


class ProposalBody(Record):
    """What the hub signs: the block's header, and its round."""

    header: Header
    round: Uint


class Proposal(Record):
    """One proposed block, with its signed transactions as they were received."""

    body: ProposalBody
    transactions: tuple[bytes, ...]
    voids: Annotated[tuple[Signature, ...], msgspec.Meta(max_length=MAX_ROUNDS)]
    signature: Signature


class VoidBody(Record):
    """What the owner signs to end a round that found no quorum."""

    ledger: Name
    height: Uint
    round: Uint
    previous: Hash


class HubFault(Record):
    """Two proposals for different blocks, both signed by the hub for one height and round."""

    first: ProposalBody
    first_signature: Signature
    second: ProposalBody
    second_signature: Signature


def proposal_digest(body: ProposalBody) -> bytes:
    """The 32 bytes that the hub signs. The header's roots cover the transactions."""
    return tagged("hearth/proposal", encode(body))


def proposal_sign(
    header: Header, round: int, transactions: tuple[bytes, ...], voids: tuple[bytes, ...], secret: bytes
) -> Proposal:
    """A proposal signed with the hub's secret."""
    body = ProposalBody(header, round)
    return Proposal(body, transactions, voids, sign(secret, proposal_digest(body)))


def void_digest(ledger: str, height: int, round: int, previous: bytes) -> bytes:
    """The 32 bytes that the owner signs for ``void``."""
    return tagged("hearth/void", encode(VoidBody(ledger, height, round, previous)))


def void_sign(ledger: str, height: int, round: int, previous: bytes, secret: bytes) -> bytes:
    """The owner's ``void`` of a round: a 64-byte signature."""
    return sign(secret, void_digest(ledger, height, round, previous))


def proposal_parse(raw: bytes) -> Proposal:
    """Decode a proposal; raises ``ProposalRefused`` when malformed."""
    try:
        return decode(Proposal, raw)
    except Malformed as error:
        raise ProposalRefused("the proposal does not decode") from error


def proposal_verify(proposal: Proposal, hub: PublicKey, owner: PublicKey) -> None:
    """Raises ``ProposalBadSignature``, or ``RoundNotVoid`` if the owner has not ended each of the rounds before."""
    body = proposal.body
    if not verify(hub, proposal_digest(body), proposal.signature):
        raise ProposalBadSignature()
    header = body.header
    if len(proposal.voids) != body.round:
        raise RoundNotVoid()
    for round, signature in enumerate(proposal.voids):
        if not verify(owner, void_digest(header.ledger, header.height, round, header.previous), signature):
            raise RoundNotVoid()


def close_batch_of(proposal: Proposal) -> CloseBatch | None:
    """The batch that a proposal closes, or None for a block of membership changes. Raises ``ProposalRefused`` for
    two."""
    found: list[CloseBatch] = []
    for raw in proposal.transactions:
        try:
            tx = decode(SignedTransaction, raw).tx
            if tx.call == CLOSE_BATCH:
                found.append(decode(CloseBatch, tx.args))
        except Malformed as error:
            raise ProposalRefused("a transaction does not decode") from error
    if len(found) > 1:
        raise ProposalRefused("one block closes one batch")
    return found[0] if found else None


def hub_fault_of(first: Proposal, second: Proposal) -> HubFault | None:
    """The proof that the hub signed two blocks for one height and round, or None if these two prove nothing."""
    fault = HubFault(first.body, first.signature, second.body, second.signature)
    return fault if _contradict(fault) else None


def hub_fault_proven(fault: HubFault, ledger: str, hub: PublicKey) -> bool:
    """Whether the proof holds against this ledger's hub."""
    return (
        fault.first.header.ledger == ledger
        and _contradict(fault)
        and verify(hub, proposal_digest(fault.first), fault.first_signature)
        and verify(hub, proposal_digest(fault.second), fault.second_signature)
    )


def _contradict(fault: HubFault) -> bool:
    first, second = fault.first, fault.second
    same_place = (first.header.ledger, first.header.height, first.round) == (
        second.header.ledger,
        second.header.height,
        second.round,
    )
    return same_place and header_hash(first.header) != header_hash(second.header)
