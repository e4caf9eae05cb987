"""What the coordinator remembers of a job: where it is, the sums that run, and how each round went."""

from __future__ import annotations

from typing import Final

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Hash, Name, Record, Uint
from fedlearn.learners.scaling import Scaler
from fedlearn.learners.table import Floats
from fedlearn.protocol.strategy import ServerState
from fedlearn.runtime.jobs.terms import FINAL, STATISTICS, TRAIN, JobTerms, Kind
from fedlearn.runtime.rounds import RoundRecord

RUNNING: Final = "running"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"


class Figure(Record):
    """A measured figure, in millionths."""

    name: Name
    micro: int


class StepReport(Record):
    """How one round went. ``outcome`` is ``opened`` or the code of why it was given up.

    ``survivors`` are cohort indexes; ``figures`` are of the model before the step, and so is ``model_before``.
    """

    sequence: Uint
    step: Uint
    kind: Name
    outcome: Name
    joined: Uint
    survivors: tuple[Uint, ...]
    updates: tuple[Hash, ...]
    model_before: Hash
    model_after: Hash
    figures: tuple[Figure, ...]
    epsilon_micro: Uint
    began_ms: Uint
    ended_ms: Uint


class CellRecord(Record):
    """The masked sum of one group in the step that runs, and whether its hubs have been asked."""

    cell: tuple[Uint, ...]
    opening: bytes
    round: RoundRecord
    asked: bool = False


class JobRecord(Record):
    """All that the coordinator must remember of a job. It holds no update of any home, only opened sums' results."""

    terms: JobTerms
    strategy: ServerState
    scaler: Scaler
    began_ms: Uint
    step: Uint
    sequence: Uint = 0
    aborts: Uint = 0
    phase: Name = RUNNING
    reason: Name = ""
    cells: tuple[CellRecord, ...] = ()
    reports: tuple[StepReport, ...] = ()
    closings: tuple[tuple[Name, bytes], ...] = ()

    @property
    def kind(self) -> Kind:
        """Whether the present step sums statistics, trains, or is the last, which only evaluates."""
        if self.step == 0:
            return STATISTICS
        return TRAIN if self.step <= self.terms.declared.rounds else FINAL

    @property
    def parameters(self) -> Floats:
        """The model as it is now."""
        return self.strategy.vector

    @property
    def epsilon_micro(self) -> int:
        """What a home that took part in all opened rounds has spent so far."""
        return self.reports[-1].epsilon_micro if self.reports else 0


def job_encode(record: JobRecord) -> bytes:
    """The record's bytes, for the coordinator's database."""
    return encode(record)


def job_decode(data: bytes) -> JobRecord:
    """Undo ``job_encode``; raises ``Malformed`` (chain.core)."""
    try:
        return decode(JobRecord, data)
    except TypeError as fault:
        raise Malformed("the bytes are no job") from fault
