"""How a round of a job went: who is in the sum, what the opened evaluation says, and what it cost in epsilon."""

from __future__ import annotations

from typing import Final

import numpy as np

from chain.core.codec import encode
from chain.crypto.hashing import sha256
from fedlearn.protocol.accounting import Release
from fedlearn.protocol.strategy import ServerState
from fedlearn.runtime.jobs.evaluation import figures, slots
from fedlearn.runtime.jobs.hub import kind_of, layout_of
from fedlearn.runtime.jobs.records import Figure, JobRecord, StepReport
from fedlearn.runtime.jobs.terms import cells_of
from fedlearn.runtime.jobs.vector import epsilon_spent
from fedlearn.runtime.rounds import OPENED, RoundRecord

MICRO: Final = 1_000_000


def step_report(record: JobRecord, outcome: str, after: ServerState, now_ms: int) -> StepReport:
    """The report of the round that ends now; ``after`` is the state that it leaves."""
    survivors = sorted(
        (cell.cell[index], update)
        for cell in record.cells
        if outcome == OPENED
        for index, update in zip(cell.round.survivors, _updates(cell.round), strict=True)
    )
    joined = sum(sum(map(bool, cell.round.server.keys.adverts)) for cell in record.cells)
    return StepReport(
        sequence=record.sequence,
        step=record.step,
        kind=record.kind,
        outcome=outcome,
        joined=joined,
        survivors=tuple(index for index, _ in survivors),
        updates=tuple(update for _, update in survivors),
        model_before=sha256(record.strategy.parameters),
        model_after=sha256(after.parameters),
        figures=_figures(record) if outcome == OPENED else (),
        epsilon_micro=_epsilon_micro(record, opened=outcome == OPENED),
        began_ms=max((report.ended_ms for report in record.reports), default=record.began_ms),
        ended_ms=now_ms,
    )


def _updates(round_: RoundRecord) -> list[bytes]:
    """The hashes of the survivors' masked vectors, in the order of ``survivors``."""
    server = round_.server
    places = {index: place for place, index in enumerate(server.participants)}
    return [server.sums.taken[places[index]] for index in round_.survivors]


def _figures(record: JobRecord) -> tuple[Figure, ...]:
    """What the opened evaluations of all cells say together."""
    binary = False
    total = None
    for cell in record.cells:
        layout = layout_of(encode(record.terms), cell.cell, record.kind)
        if not layout.evaluation_length:
            return ()
        binary = layout.shape.binary
        part = layout.opened(cell.round.words).evaluation
        total = part if total is None else total + part
    found = figures(total if total is not None else np.zeros(slots(binary)), binary)
    return tuple(Figure(name, round(value * MICRO)) for name, value in sorted(found.items()))


def _epsilon_micro(record: JobRecord, *, opened: bool) -> int:
    """The epsilon of a home that was in every opened sum, with the present one if it was opened."""
    privacy = record.terms.declared.privacy
    if privacy is None:
        return 0
    releases: list[Release] = []
    kinds = [report.kind for report in record.reports if report.outcome == OPENED]
    for kind in (*kinds, *((record.kind,) if opened else ())):
        named = kind_of(kind)
        costs = [layout_of(encode(record.terms), cell, named).release for cell in cells_of(record.terms, 1, named)]
        releases.append(min((cost for cost in costs if cost), key=lambda cost: cost.noise_multiplier))
    # A little up, so that rounding never says less than it is.
    return round(epsilon_spent(releases, privacy.delta) * MICRO + 0.5) if releases else 0
