"""What a device's agent and its hub say to each other over ``/ws/v1/home/<home_id>/devices``.

Every WebSocket frame is binary and holds exactly one message: a msgspec array-like Struct in msgpack whose first
element is the tag (the class name in snake case). ``message_encode``, ``from_agent`` and ``from_hub`` are the only
ways in and out; the latter two refuse what is over ``MAX_MESSAGE_BYTES``, malformed, or not in canonical form.

Sequence (A agent, H hub)::

    A Hello                    first frame; the hub closes after 10 s without it
    H Challenge                a fresh nonce for this connection
    A Prove                    signed by the identity key over prove_digest(ledger, nonce, public_key, facts)
    H Pending                  0..n times, while the owner or the block that admits the device is waited for
    H Welcome | Refusal        after Welcome both sides may send any of the following, in any order

    A SegmentUpload(segment)   raw SignedSegment (readings.py); at most WINDOW unanswered
    H SegmentAck(code)         "" durably stored; "segment_replayed" stored before: the agent drops it from its queue;
                               codes in RETRY_CODES: sent again later; any other: refused for good, dropped

    A BlocksFetch(after)       right after Welcome, and whenever a block is missing
    H BlockNotice(block)       raw chain Block: those asked for, then each new one, in rising height

    H ProposalNotice           raw Proposal (proposal.py), re-sent unchanged until final or void, and on each connection
    A BatchFetch               one fetch open at a time; unanswered when the batch is over already
    H BatchHead(terms)         raw BatchTerms (batch.py)
    H BatchPart(segments)      0..n; raw SignedSegments in batch order, at most 512 KiB in one part
    H BatchEnd
    A VoteCast(height, vote)   raw chain Vote; in the agent's vote log before it is sent; re-sent with each repeat of
                               the proposal
    H VoteAck(code)            "" counted (or had been)
    A FaultNotice(evidence)    raw HubFault (proposal.py): the agent has halted and votes no more
    H Settings                 the owner changed how often to measure or to send

A membership block carries no batch: its ProposalNotice is answered by VoteCast without BatchFetch. A hub whose ledger
has halted sends Refusal("ledger_halted", ..., final=False) and takes readings only. Either side may close at any
time; the agent reconnects with backoff and starts with Hello. The keys named in Welcome, and the genesis hash, are
pinned by the agent at the first Welcome and may not change later.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from chain.core.types import Address, Hash, Name, PublicKey, Record, Signature, Uint
from chain.crypto.hashing import tagged
from households.consensus.errors import MessageMalformed, MessageNotCanonical, MessageTooLarge

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 1 << 20
MAX_PART_BYTES = 512 * 1024
WINDOW = 32
RETRY_CODES = frozenset({"unavailable", "device_inactive", "ledger_halted"})

Text = Annotated[str, msgspec.Meta(max_length=500)]
Raw = Annotated[bytes, msgspec.Meta(max_length=MAX_MESSAGE_BYTES)]
Nonce = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class QuantityFacts(Record):
    """One quantity that a device announces. ``low`` and ``high`` are its range in scaled units; equal means not
    announced."""

    quantity: Name
    unit: Name
    low: int = 0
    high: int = 0


class DeviceFactsAnnounced(Record):
    """What a device says of itself when it enrols; the owner may correct class and area before the device is
    admitted."""

    device_class: Name
    area: Name
    failure_domain: Name
    model: Name
    quantities: tuple[QuantityFacts, ...]


class Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of all messages."""


class Hello(Message, frozen=True, tag="hello"):
    version: Uint
    public_key: PublicKey


class Challenge(Message, frozen=True, tag="challenge"):
    ledger: Name
    genesis_hash: Hash
    nonce: Nonce
    hub_time_ms: Uint


class Prove(Message, frozen=True, tag="prove"):
    """``code`` is the enrolment code that the owner gave the device; empty once it is enrolled."""

    facts: DeviceFactsAnnounced
    code: Name
    signature: Signature


class Pending(Message, frozen=True, tag="pending"):
    text: Text


class Welcome(Message, frozen=True, tag="welcome"):
    """``next_sequences`` has the next expected sequence of each quantity stored so far (others start at 1).

    ``account`` is the micro-wallet's address; ``genesis`` is the raw canonical Genesis of the device ledger, from
    which the agent replays the blocks that it fetches.
    """

    device_id: Address
    account: Address
    certificate: Raw
    authority: Raw
    hub_key: PublicKey
    genesis: Raw
    head_height: Uint
    next_sequences: tuple[tuple[Name, Uint], ...]
    interval_ms: Uint
    upload_ms: Uint


class Refusal(Message, frozen=True, tag="refusal"):
    """``final`` asks the agent not to come back by itself; otherwise it tries again with backoff."""

    code: Name
    text: Text
    final: bool


class SegmentUpload(Message, frozen=True, tag="segment_upload"):
    segment: Raw


class SegmentAck(Message, frozen=True, tag="segment_ack"):
    quantity: Name
    first_sequence: Uint
    code: Name
    next_sequence: Uint


class BlocksFetch(Message, frozen=True, tag="blocks_fetch"):
    after_height: Uint


class BlockNotice(Message, frozen=True, tag="block_notice"):
    block: Raw


class ProposalNotice(Message, frozen=True, tag="proposal_notice"):
    proposal: Raw


class BatchFetch(Message, frozen=True, tag="batch_fetch"):
    height: Uint
    round: Uint
    batch_id: Hash


class BatchHead(Message, frozen=True, tag="batch_head"):
    batch_id: Hash
    terms: Raw
    segment_count: Uint


class BatchPart(Message, frozen=True, tag="batch_part"):
    batch_id: Hash
    first_index: Uint
    segments: tuple[Raw, ...]


class BatchEnd(Message, frozen=True, tag="batch_end"):
    batch_id: Hash


class VoteCast(Message, frozen=True, tag="vote_cast"):
    height: Uint
    vote: Raw


class VoteAck(Message, frozen=True, tag="vote_ack"):
    height: Uint
    round: Uint
    code: Name


class FaultNotice(Message, frozen=True, tag="fault_notice"):
    evidence: Raw


class Settings(Message, frozen=True, tag="settings"):
    interval_ms: Uint
    upload_ms: Uint


FromAgent = Hello | Prove | SegmentUpload | BlocksFetch | BatchFetch | VoteCast | FaultNotice
FromHub = (
    Challenge
    | Pending
    | Welcome
    | Refusal
    | SegmentAck
    | BlockNotice
    | ProposalNotice
    | BatchHead
    | BatchPart
    | BatchEnd
    | VoteAck
    | Settings
)

_encoder = msgspec.msgpack.Encoder()
_from_agent: msgspec.msgpack.Decoder[FromAgent] = msgspec.msgpack.Decoder(FromAgent)
_from_hub: msgspec.msgpack.Decoder[FromHub] = msgspec.msgpack.Decoder(FromHub)
M = TypeVar("M")


def prove_digest(ledger: str, nonce: bytes, public_key: bytes, facts: DeviceFactsAnnounced) -> bytes:
    """The 32 bytes that a device signs to prove its identity key, bound to the ledger, the nonce and what it
    announces."""
    body = _encoder.encode((ledger, nonce, public_key, facts))
    return tagged("hearth/prove", body)


def message_encode(message: Message) -> bytes:
    """The frame of ``message``. Raises ``MessageTooLarge`` rather than send what the other side would refuse."""
    data = _encoder.encode(message)
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"{len(data)} bytes, the limit is {MAX_MESSAGE_BYTES}")
    return data


def from_agent(data: bytes) -> FromAgent:
    """What an agent sent, for the hub. Raises ``MessageTooLarge``, ``MessageMalformed``, ``MessageNotCanonical``."""
    return _decode(_from_agent, data)


def from_hub(data: bytes) -> FromHub:
    """What the hub sent, for an agent. Raises as ``from_agent``."""
    return _decode(_from_hub, data)


def _decode(decoder: msgspec.msgpack.Decoder[M], data: bytes) -> M:
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"{len(data)} bytes, the limit is {MAX_MESSAGE_BYTES}")
    try:
        message = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageMalformed("the frame does not decode") from error
    if _encoder.encode(message) != data:
        raise MessageNotCanonical()
    return message
