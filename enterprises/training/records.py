"""The coordinator's record of a job: read from the row, and written down before anything is sent."""

from __future__ import annotations

from typing import Any

from enterprises.checkout.keys import seal, unseal
from enterprises.training.models import JobStep, TrainingJob
from enterprises.training.moves import State
from fedlearn.runtime.jobs import JobRecord, StepReport, job_decode, job_encode
from marketplace.common.work import LeaseLost


def record_seal(job: TrainingJob, record: JobRecord) -> bytes:
    """The record's bytes, sealed under the node's key."""
    return seal(job_encode(record), _context(job))


def record_open(job: TrainingJob) -> JobRecord:
    """The record as it was written last; raises ``BoxDamaged``, ``Malformed``."""
    return job_decode(unseal(job.sealed_record, _context(job)))


def record_write(job: TrainingJob, record: JobRecord, **changes: Any) -> None:
    """Write the record of a job that runs. Raises ``LeaseLost`` if the job does not run any more.

    Only the process that has the enterprise's node open writes it, and there is one such process at a time.
    """
    sealed = record_seal(job, record)
    rows = TrainingJob.objects.filter(pk=job.pk, state=State.RUNNING)
    if rows.update(sealed_record=sealed, **changes) != 1:
        raise LeaseLost
    job.sealed_record = sealed
    for name, value in changes.items():
        setattr(job, name, value)


def step_write(job: TrainingJob, report: StepReport, number: int, worth: dict[str, float]) -> None:
    """Write down how a round went; what is there already stays."""
    JobStep.objects.get_or_create(
        job=job,
        sequence=report.sequence,
        defaults={
            "step": report.step,
            "number": number,
            "kind": report.kind,
            "outcome": report.outcome,
            "joined": report.joined,
            "survivors": list(report.survivors),
            "updates": [update.hex() for update in report.updates],
            "figures": {figure.name: figure.micro / 1e6 for figure in report.figures},
            "epsilon_micro": report.epsilon_micro,
            "began_ms": report.began_ms,
            "ended_ms": report.ended_ms,
            "sent_bytes": job.sent_bytes,
            "received_bytes": job.received_bytes,
            "worth": worth,
        },
    )


def _context(job: TrainingJob) -> str:
    return f"training-record:{job.public_id}"
