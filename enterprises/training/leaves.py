"""What the ledger is told of a round, and what a home gets to claim its share: leaves over the orders of the homes."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum

from chain.contracts.crossing import Round
from chain.core.merkle import EMPTY_ROOT
from chain.exchange.learning import Participants
from enterprises.training.models import JobPeer, JobStep, TrainingJob
from fedlearn.runtime.jobs import StepReport
from fedlearn.runtime.rounds import OPENED


def orders_of(peer: JobPeer) -> list[bytes]:
    """The licences of a home in this job."""
    return [bytes.fromhex(lot["order"]) for lot in peer.lots if lot.get("order")]


def cohort_of(job: TrainingJob) -> dict[int, JobPeer]:
    """The homes of the job by their places."""
    return {peer.index: peer for peer in job.peers.exclude(index=None) if peer.index is not None}


def participants_of(job: TrainingJob, survivors: list[int], updates: list[bytes]) -> Participants:
    """Who is in the sum: each order of each surviving home, with the hash of the home's masked vector."""
    cohort = cohort_of(job)
    found = {
        order: update for place, update in zip(survivors, updates, strict=True) for order in orders_of(cohort[place])
    }
    return Participants(found)


def round_args(job: TrainingJob, report: StepReport) -> Round:
    """The call that says how a round ended."""
    opened = report.outcome == OPENED
    here = participants_of(job, list(report.survivors), list(report.updates)) if opened else None
    return Round(
        job=bytes.fromhex(job.ledger_job),
        number=report.step,
        complete=opened,
        reason="" if opened else report.outcome[:48],
        model_before=report.model_before,
        model_after=report.model_after if opened else report.model_before,
        joined=report.joined,
        survivors=len(report.survivors) if opened else 0,
        leaf_count=len(here) if here else 0,
        root=here.root if here else EMPTY_ROOT,
        epsilon_micro=report.epsilon_micro,
    )


def happened_of(job: TrainingJob) -> dict[str, Any]:
    """What happened so far, in the words of the estimate."""
    steps = list(JobStep.objects.filter(job=job))
    opened = [step for step in steps if step.outcome == OPENED]
    homes = job.peers.exclude(index=None).count()
    sums = JobStep.objects.filter(job=job).aggregate(sent=Sum("sent_bytes"), got=Sum("received_bytes"))
    moved = (sums["sent"] or 0) + (sums["got"] or 0)
    return {
        **{name: job.happened[name] for name in ("paid", "back") if name in job.happened},
        "homes": homes,
        "rounds": sum(1 for step in opened if step.number),
        "aborted": len(steps) - len(opened),
        "seconds": round((steps[-1].ended_ms - steps[0].began_ms) / 1000) if steps else 0,
        "bytes_home_round": round(moved / max(1, len(steps) * homes)),
        "epsilon": steps[-1].epsilon_micro / 1e6 if steps else 0.0,
        "dropouts": sum(homes - len(step.survivors) for step in opened),
    }
