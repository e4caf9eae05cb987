"""A hub's side of one masked sum: each message of the coordinator gets one answer, the same however often it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from chain.core.types import PublicKey, Record
from chain.crypto.prg import Random, Words
from fedlearn.protocol.client import client_inbox, client_roster
from fedlearn.protocol.client_state import ClientState, client_decode, client_encode, client_start
from fedlearn.protocol.client_unmask import client_proof, client_survivors
from fedlearn.protocol.errors import StageWrong
from fedlearn.protocol.messages import Roster, message_of
from fedlearn.protocol.plan import MALICIOUS, RoundPlan
from fedlearn.runtime.rounds import stages
from fedlearn.runtime.rounds.stages import Answer, Beacon, LedgerBehind


class MemberRecord(Record):
    """A hub's part of a round: the protocol's secret state. Write it down before the answer leaves."""

    state: bytes

    @property
    def client(self) -> ClientState:
        """The protocol's own state."""
        return client_decode(self.state)


@dataclass(frozen=True, slots=True)
class MemberWorld:
    """What a hub's steps need besides their record.

    ``values`` makes the hub's words for the sum; it is asked once, when the hub's neighbours are known, and may take
    as long as the training does.
    """

    cohort: Sequence[PublicKey]
    job_secret: bytes
    beacon: Beacon
    values: Callable[[], Words]


def member_begin(
    plan: RoundPlan, cohort: Sequence[PublicKey], job_secret: bytes, random: Random
) -> tuple[MemberRecord, Answer]:
    """Join a round. Once for each round: what is sent again is ``Answer(ADVERT, record.client.advert)``.

    Raises what ``client_start`` raises.
    """
    state, advert = client_start(plan, cohort, job_secret, random)
    return MemberRecord(client_encode(state)), Answer(stages.ADVERT, advert)


def member_take(record: MemberRecord, stage: str, data: bytes, world: MemberWorld) -> tuple[MemberRecord, Answer]:
    """Answer one message of the coordinator.

    Raises ``LedgerBehind`` (take the message again later), ``StageWrong`` for an unknown stage, and what the protocol's
    step raises: then the hub says nothing more in this round.
    """
    state = record.client
    if stage == stages.ROSTER:
        root = message_of(Roster, data, state.plan.round_id).keys_root
        block_hash = world.beacon.block_after(state.plan.round_id, root)
        if block_hash is None:
            raise LedgerBehind
        state, answer = client_roster(state, data, world.cohort, block_hash)
        return _with(record, state), Answer(stages.SHARES, answer)
    if stage == stages.INBOX:
        if not state.shares:
            raise StageWrong
        # Once masked, the words are never made again: two vectors under one mask would show their difference.
        values = world.values() if not state.masked else _nothing(state)
        state, answer = client_inbox(state, data, values)
        return _with(record, state), Answer(stages.MASKED, answer)
    if stage == stages.SURVIVORS:
        state, answer = client_survivors(state, data, world.job_secret)
        kind = stages.VOTE if state.plan.mode == MALICIOUS and answer == state.vote else stages.UNMASK
        return _with(record, state), Answer(kind, answer)
    if stage == stages.PROOF:
        state, answer = client_proof(state, data, tuple(world.cohort))
        return _with(record, state), Answer(stages.UNMASK, answer)
    raise StageWrong("The coordinator's message is of no kind that a hub knows.")


def _with(record: MemberRecord, state: ClientState) -> MemberRecord:
    return msgspec.structs.replace(record, state=client_encode(state))


def _nothing(state: ClientState) -> Words:
    return np.zeros(state.plan.length, dtype=np.uint32)
