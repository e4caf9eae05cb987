"""The coordinator's side of one masked sum.

    record = round_begin(plan, cohort, now_ms, stage_ms)
    ...each message:     record = round_take(record, index, stage, data)
    ...now and then:     record = round_tick(record, now_ms, stage_ms, beacon)
    ...write it down, then: send round_outgoing(record); record = round_sent(record)

A stage ends when everybody has answered or its time is over, whichever comes first. What is to be sent follows from the
record alone, so a coordinator that died between writing and sending sends it again, and hubs take it once.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from chain.core.types import Name, PublicKey, Record, Uint
from chain.crypto.prg import Words
from fedlearn.protocol import server_state as at
from fedlearn.protocol.bits import bits_of, flags_of, members_of
from fedlearn.protocol.errors import BelowThreshold, RoundAborted, SenderUnknown, StageWrong
from fedlearn.protocol.messages import Survivors, message_of
from fedlearn.protocol.plan import RoundPlan
from fedlearn.protocol.server import (
    keys_root,
    server_advert,
    server_adverts_close,
    server_masked,
    server_masked_close,
    server_rosters,
    server_shares,
    server_shares_close,
)
from fedlearn.protocol.server_state import ServerState, server_decode, server_encode, server_start
from fedlearn.protocol.server_unmask import (
    server_openable,
    server_sum,
    server_unmask,
    server_vote,
    server_votes_close,
)
from fedlearn.runtime.rounds import stages
from fedlearn.runtime.rounds.stages import Beacon, Outgoing

TAKES = {
    stages.ADVERT: server_advert,
    stages.SHARES: server_shares,
    stages.MASKED: server_masked,
    stages.VOTE: server_vote,
    stages.UNMASK: server_unmask,
}


class RoundRecord(Record):
    """All that the coordinator knows of one sum; small enough to be written after every batch of messages.

    ``outcome`` is empty while the round runs, then ``opened`` (and ``total`` holds the sum's little-endian words) or
    the code of why it was given up. ``unsent`` says that the messages of the present stage have yet to be sent.
    """

    state: bytes
    stage_until_ms: Uint
    declined: bytes
    block_hash: bytes = b""
    unsent: bool = False
    outcome: Name = ""
    total: bytes = b""

    @property
    def server(self) -> ServerState:
        """The protocol's own state."""
        return server_decode(self.state)

    @property
    def stage(self) -> str:
        """Where the round is: advertise, roster, share, mask, confirm, unmask."""
        return self.server.stage

    @property
    def words(self) -> Words:
        """The opened sum, modulo 2^32. Raises ``StageWrong`` if there is none."""
        if self.outcome != OPENED:
            raise StageWrong
        return np.frombuffer(self.total, "<u4").astype(np.uint32)

    @property
    def survivors(self) -> list[int]:
        """The cohort indexes of those whose vectors are in the sum; empty before the vectors are counted."""
        server = self.server
        if not server.answers.survivors:
            return []
        told = message_of(Survivors, server.answers.survivors, server.plan.round_id)
        participants = server.participants
        return [participants[place] for place in members_of(told.alive, len(participants))]


OPENED = "opened"


def round_begin(plan: RoundPlan, cohort: Sequence[PublicKey], now_ms: int, stage_ms: int) -> RoundRecord:
    """A new round, waiting for adverts. Raises what ``plan_check`` raises."""
    state = server_start(plan, cohort)
    return RoundRecord(server_encode(state), now_ms + stage_ms, bits_of([], len(cohort)))


def round_take(record: RoundRecord, index: int, stage: str, data: bytes) -> RoundRecord:
    """Take a message of the hub with this cohort index, as the channel proved it.

    Raises ``SenderUnknown`` for a message in another's name or of an unknown kind, ``StageWrong`` for one that comes
    too late or after the end, and what the protocol's step raises; then nothing has changed.
    """
    if record.outcome:
        raise StageWrong("The round is over.")
    take = TAKES.get(stage)
    if take is None:
        raise SenderUnknown("There is no such message.")
    before = record.server
    after = take(before, data)
    if _sender_of(data) != index:
        raise SenderUnknown("The message names another sender than the channel does.")
    return msgspec.structs.replace(record, state=server_encode(after))


def round_decline(record: RoundRecord, index: int) -> RoundRecord:
    """The hub with this index says that it stays away, so that nobody waits for it."""
    size = len(record.server.cohort)
    if not 0 <= index < size:
        raise SenderUnknown
    return msgspec.structs.replace(record, declined=bits_of([*members_of(record.declined, size), index], size))


def round_tick(record: RoundRecord, now_ms: int, stage_ms: int, beacon: Beacon) -> RoundRecord:
    """Go on as far as the round can: close stages that are complete or whose time is over, and open the sum.

    Never raises for what hubs did or did not do: a round that can't go on ends with the code of the reason as outcome.
    What the ledger raises passes through, and the record stays as it was.
    """
    while not record.outcome:
        server = record.server
        late = now_ms >= record.stage_until_ms
        try:
            moved = _step(record, server, late, beacon)
        except RoundAborted as reason:
            return msgspec.structs.replace(record, outcome=reason.code, unsent=False)
        if moved is None:
            return record
        record = msgspec.structs.replace(moved, stage_until_ms=now_ms + stage_ms)
    return record


def round_outgoing(record: RoundRecord) -> list[Outgoing]:
    """What the present stage tells the hubs; nothing while adverts come in or the round is over."""
    server = record.server
    if record.outcome or server.stage in (at.ADVERTISE, at.ROSTER):
        return []
    if server.stage == at.SHARE:
        return _outgoing(stages.ROSTER, server_rosters(server, record.block_hash)[1])
    if server.stage == at.MASK:
        return _outgoing(stages.INBOX, server_shares_close(server)[1])
    if server.stage == at.UNMASK and any(server.answers.votes):
        return _outgoing(stages.PROOF, server_votes_close(server)[1])
    return _outgoing(stages.SURVIVORS, dict.fromkeys(record.survivors, server.answers.survivors))


def round_sent(record: RoundRecord) -> RoundRecord:
    """The messages of the present stage are on their way."""
    return msgspec.structs.replace(record, unsent=False)


def round_progress(record: RoundRecord) -> tuple[int, int]:
    """How many hubs have answered in the present stage, and how many are waited for."""
    server = record.server
    if server.stage == at.ADVERTISE:
        return sum(map(bool, server.keys.adverts)), len(server.cohort) - len(_declined(record, server))
    shared = sum(map(bool, server.boxes.shares))
    if server.stage == at.SHARE:
        return shared, len(server.boxes.shares)
    if server.stage == at.MASK:
        return sum(map(bool, server.sums.taken)), shared
    if server.stage == at.CONFIRM:
        return sum(map(bool, server.answers.votes)), len(record.survivors)
    return sum(map(bool, server.answers.unmasks)), len(record.survivors)


def _step(record: RoundRecord, server: ServerState, late: bool, beacon: Beacon) -> RoundRecord | None:
    """One stage further, or None while there is something to wait for. Raises ``RoundAborted``."""
    came, wanted = round_progress(record)
    ready = late or came >= wanted
    if server.stage == at.ADVERTISE:
        return _keep(record, server_adverts_close(server)[0]) if ready else None
    if server.stage == at.ROSTER:
        return _graph(record, server, beacon)
    if server.stage == at.SHARE:
        return _keep(record, server_shares_close(server)[0], unsent=True) if ready else None
    if server.stage == at.MASK:
        return _keep(record, server_masked_close(server)[0], unsent=True) if ready else None
    if server.stage == at.CONFIRM:
        return _keep(record, server_votes_close(server)[0], unsent=True) if ready else None
    if server_openable(server):
        total = server_sum(server).astype("<u4").tobytes()
        return msgspec.structs.replace(record, outcome=OPENED, total=total, unsent=False)
    if ready:
        raise BelowThreshold
    return None


def _graph(record: RoundRecord, server: ServerState, beacon: Beacon) -> RoundRecord | None:
    """The keys go on the ledger, and the block after them says who is whose neighbour."""
    root, round_id = keys_root(server), server.plan.round_id
    beacon.keys_commit(round_id, root)
    block_hash = beacon.block_after(round_id, root)
    if block_hash is None:
        return None
    state, _ = server_rosters(server, block_hash)
    return msgspec.structs.replace(_keep(record, state, unsent=True), block_hash=block_hash)


def _keep(record: RoundRecord, state: ServerState, *, unsent: bool = False) -> RoundRecord:
    return msgspec.structs.replace(record, state=server_encode(state), unsent=unsent)


def _declined(record: RoundRecord, server: ServerState) -> list[int]:
    """Who stays away and has sent no advert before."""
    away = flags_of(record.declined, len(server.cohort)).tolist()
    return [index for index, gone in enumerate(away) if gone and not server.keys.adverts[index]]


def _outgoing(stage: str, messages: dict[int, bytes]) -> list[Outgoing]:
    return [Outgoing(index, stage, data) for index, data in messages.items()]


def _sender_of(data: bytes) -> int:
    """The ``sender`` of a hub's message, which stands second in all of them; the step has decoded it by now."""
    return int(msgspec.msgpack.decode(data)[1])
