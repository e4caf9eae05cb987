"""The coordinator's side of a job: one step after the other, each a masked sum (or one of each group), to the end.

    record = job_begin(terms, parameters, now_ms)
    ...each message:     record = job_take(record, peer, name, data)
    ...now and then:     record = job_tick(record, now_ms, beacon)
    ...write it down, then send ``job_outgoing(record)`` and ``record = job_sent(record)``

A step whose sum could not be opened is tried again, up to ``ABORTS_MAX`` times in a row. The last one only evaluates.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from chain.core.codec import decode, encode
from chain.crypto.hashing import sha256
from fedlearn.learners.errors import TrainingDiverged
from fedlearn.learners.families import family
from fedlearn.learners.plan import SCALING_STATISTICS
from fedlearn.learners.scaling import Scaler, scaler_fixed, scaler_of
from fedlearn.learners.table import Floats
from fedlearn.protocol.aggregate import trimmed_mean
from fedlearn.protocol.errors import SenderUnknown
from fedlearn.protocol.strategy import ServerState, server_start, server_step
from fedlearn.runtime.jobs.errors import JobOver
from fedlearn.runtime.jobs.hub import CLOSE, DECLINE, OPEN, layout_of
from fedlearn.runtime.jobs.records import CANCELLED, COMPLETED, FAILED, RUNNING, CellRecord, JobRecord
from fedlearn.runtime.jobs.reports import step_report
from fedlearn.runtime.jobs.terms import (
    FINAL,
    STATISTICS,
    TRAIN,
    Closing,
    JobTerms,
    Opening,
    Refusal,
    cells_of,
    round_plan,
    terms_check,
)
from fedlearn.runtime.rounds import (
    OPENED,
    round_begin,
    round_decline,
    round_outgoing,
    round_sent,
    round_take,
    round_tick,
)
from fedlearn.runtime.rounds.stages import Beacon
from marketplace.common.errors import HearthError

ABORTS_MAX: Final = 3
STAGES: Final = 4


def job_begin(terms: JobTerms, parameters: Floats, now_ms: int) -> JobRecord:
    """A job before its first round. Raises ``TermsInvalid``, and what the strategy raises for these parameters."""
    terms_check(terms)
    plan = terms.declared
    scaler = scaler_fixed(family(plan.family).shape(plan).inputs)
    first = 0 if plan.scaling == SCALING_STATISTICS else 1
    return JobRecord(terms, server_start(plan.strategy, parameters), scaler, now_ms, first)


def job_take(record: JobRecord, peer: str, name: str, data: bytes, sequence: int) -> JobRecord:
    """Take a message of a hub, as the channel proved it; ``sequence`` is the round in its path.

    A message of an earlier round is left out. Raises ``JobOver``, ``SenderUnknown`` for a hub that is not of this job,
    and what the round raises; then nothing has changed.
    """
    if record.phase != RUNNING:
        raise JobOver
    if peer not in record.terms.peers:
        raise SenderUnknown
    if sequence != record.sequence:
        return record
    index = record.terms.peers.index(peer)
    for place, cell in enumerate(record.cells):
        if index not in cell.cell:
            continue
        within = cell.cell.index(index)
        if name == DECLINE:
            decode(Refusal, data)
            taken = round_decline(cell.round, within)
        else:
            taken = round_take(cell.round, within, name, data)
        return _cell_put(record, place, msgspec.structs.replace(cell, round=taken))
    raise SenderUnknown


def job_tick(record: JobRecord, now_ms: int, beacon: Beacon) -> JobRecord:
    """Go on as far as the job can at this time; what the ledger raises passes through and nothing has changed."""
    while record.phase == RUNNING:
        if not record.cells:
            record = _step_begin(record, now_ms)
        stage_ms = record.terms.declared.deadline_s * 1000 // STAGES
        cells = tuple(
            msgspec.structs.replace(cell, round=round_tick(cell.round, now_ms, stage_ms, beacon))
            for cell in record.cells
        )
        record = msgspec.structs.replace(record, cells=cells)
        if not all(cell.round.outcome for cell in cells):
            return record
        record = _step_end(record, now_ms)
    return record


def job_cancel(record: JobRecord, now_ms: int, reason: str = CANCELLED) -> JobRecord:
    """End the job now. Rounds that run are given up; hubs are told."""
    if record.phase != RUNNING:
        raise JobOver
    closings = _closings(record, reason, 0, record.epsilon_micro)
    return msgspec.structs.replace(record, phase=CANCELLED, reason=reason, cells=(), closings=closings)


def job_outgoing(record: JobRecord) -> list[tuple[str, int, str, bytes]]:
    """What is to be sent now: (peer, sequence for the path, name, data)."""
    peers = record.terms.peers
    messages = [(peer, decode(Closing, data).sequence, CLOSE, data) for peer, data in record.closings]
    for cell in record.cells:
        if not cell.asked:
            messages += [(peers[index], record.sequence, OPEN, cell.opening) for index in cell.cell]
        if cell.round.unsent:
            messages += [
                (peers[cell.cell[message.index]], record.sequence, message.stage, message.data)
                for message in round_outgoing(cell.round)
            ]
    return messages


def job_sent(record: JobRecord) -> JobRecord:
    """What ``job_outgoing`` gave is on its way."""
    cells = tuple(msgspec.structs.replace(cell, asked=True, round=round_sent(cell.round)) for cell in record.cells)
    return msgspec.structs.replace(record, cells=cells, closings=())


def _step_begin(record: JobRecord, now_ms: int) -> JobRecord:
    """Ask the hubs of every cell to join the next round."""
    terms, sequence, kind = record.terms, record.sequence + 1, record.kind
    step = min(record.step, terms.declared.rounds)
    parameters = record.strategy.parameters
    stage_ms = terms.declared.deadline_s * 1000 // STAGES
    cells = []
    for cell in cells_of(terms, step, kind):
        layout = layout_of(encode(terms), cell, kind)
        plan = round_plan(terms, cell, sequence, sha256(parameters), layout.length)
        keys = tuple(terms.cohort[index] for index in cell)
        opening = encode(Opening(sequence, step, kind, cell, plan, parameters, record.scaler))
        cells.append(CellRecord(cell, opening, round_begin(plan, keys, now_ms, stage_ms)))
    return msgspec.structs.replace(record, sequence=sequence, cells=tuple(cells))


def _step_end(record: JobRecord, now_ms: int) -> JobRecord:
    """All cells are at their end: learn from those that were opened, or try the step again."""
    opened = [cell for cell in record.cells if cell.round.outcome == OPENED]
    outcome = OPENED if len(opened) == len(record.cells) else _reason(record)
    if outcome != OPENED:
        return _aborted(record, outcome, now_ms)
    strategy, scaler = record.strategy, record.scaler
    try:
        if record.kind == STATISTICS:
            scaler = _scaler(record, opened[0])
        elif record.kind == TRAIN:
            strategy = _learn(record, opened)
    except HearthError as fault:
        return _aborted(record, fault.code, now_ms)
    report = step_report(record, OPENED, strategy, now_ms)
    closings = _closings(record, OPENED, len(report.survivors), report.epsilon_micro, sha256(strategy.parameters))
    done = record.kind == FINAL
    return msgspec.structs.replace(
        record,
        strategy=strategy,
        scaler=scaler,
        step=record.step + 1,
        aborts=0,
        phase=COMPLETED if done else RUNNING,
        cells=(),
        reports=(*record.reports, report),
        closings=closings,
    )


def _aborted(record: JobRecord, code: str, now_ms: int) -> JobRecord:
    report = step_report(record, code, record.strategy, now_ms)
    failed = record.aborts + 1 >= ABORTS_MAX
    return msgspec.structs.replace(
        record,
        aborts=record.aborts + 1,
        phase=FAILED if failed else RUNNING,
        reason=code if failed else "",
        cells=(),
        reports=(*record.reports, report),
        closings=_closings(record, code, 0, report.epsilon_micro),
    )


def _learn(record: JobRecord, opened: list[CellRecord]) -> ServerState:
    """The state after the step. Raises what the strategy or the family raises."""
    terms, plan = record.terms, record.terms.declared
    sums = []
    for cell in opened:
        trained = sum(cell.cell[index] not in terms.held_out for index in cell.round.survivors)
        total = layout_of(encode(terms), cell.cell, record.kind).opened(cell.round.words).update
        if trained:
            sums.append(total if family(plan.family).one_round else total / trained)
    if not sums:
        return server_step(record.strategy, np.zeros_like(record.parameters))
    if family(plan.family).one_round:
        return server_start(plan.strategy, family(plan.family).solve(np.sum(sums, axis=0), plan))
    mean = trimmed_mean(np.array(sums)) if len(sums) > 2 else np.mean(sums, axis=0)
    after = server_step(record.strategy, mean)
    if not np.isfinite(after.vector).all():
        raise TrainingDiverged
    return after


def _scaler(record: JobRecord, cell: CellRecord) -> Scaler:
    """What the summed statistics of the homes that train say. Raises ``StatisticsInvalid``."""
    counted = sum(index not in record.terms.held_out for index in cell.round.survivors)
    total = layout_of(encode(record.terms), cell.cell, record.kind).opened(cell.round.words).update
    return scaler_of(total, counted)


def _closings(
    record: JobRecord, outcome: str, survivors: int, epsilon_micro: int, model_after: bytes | None = None
) -> tuple[tuple[str, bytes], ...]:
    after = model_after or sha256(record.strategy.parameters)
    data = encode(Closing(record.sequence, outcome, survivors, after, epsilon_micro))
    asked = sorted({index for cell in record.cells for index in cell.cell})
    return (*record.closings, *((record.terms.peers[index], data) for index in asked))


def _reason(record: JobRecord) -> str:
    return next(cell.round.outcome for cell in record.cells if cell.round.outcome != OPENED)


def _cell_put(record: JobRecord, place: int, cell: CellRecord) -> JobRecord:
    return msgspec.structs.replace(record, cells=(*record.cells[:place], cell, *record.cells[place + 1 :]))
