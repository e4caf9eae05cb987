"""Making the row of a job: a draft, or the next repeat of a job that was completed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from django.utils import timezone

from chain.contracts.crossing import job_id_of
from chain.crypto.hashing import sha256, tagged
from enterprises.checkout.models import Enterprise
from enterprises.training.estimates import estimate_of
from enterprises.training.models import TrainingJob
from enterprises.training.moves import State
from enterprises.training.plans import parameters_first
from fedlearn.learners.plan import TrainingPlan, plan_decode, plan_encode
from fedlearn.protocol.strategy import server_start

SEED_BYTES = 6


def job_row(*, enterprise: Enterprise, plan: TrainingPlan, nonce: bytes, **fields: Any) -> TrainingJob:
    """The row of a job under this nonce (32 bytes), made once; ``fields`` are its other columns."""
    data = plan_encode(plan)
    job = job_id_of(bytes.fromhex(enterprise.wallet.address), sha256(data), nonce)
    defaults = {
        **fields,
        "enterprise": enterprise,
        "plan": data,
        "plan_hash": sha256(data).hex(),
        "nonce": nonce.hex(),
        "model_hash": sha256(server_start(plan.strategy, parameters_first(plan)).parameters).hex(),
        "estimate": estimate_of(plan, None),
    }
    row, _ = TrainingJob.objects.get_or_create(ledger_job=job.hex(), defaults=defaults)
    return row


def repeat_plan(job: TrainingJob) -> TrainingJob | None:
    """The next repeat of a completed job, if its plan wants one; asking again gives the same row.

    Its plan is the same but for the seed, so that notice and job have names of their own. It looks for homes by itself
    when its time has come, and pays by itself, at most the budget.
    """
    plan = plan_decode(bytes(job.plan))
    if not plan.interval_s:
        return None
    seed = int.from_bytes(tagged("hearth/repeat-seed", bytes(job.plan))[:SEED_BYTES], "big")
    began = job.started_at or timezone.now()
    return job_row(
        enterprise=job.enterprise,
        plan=msgspec.structs.replace(plan, seed=seed),
        nonce=tagged("hearth/repeat", bytes.fromhex(job.nonce)),
        created_by=job.created_by,
        service=job.service,
        purpose=job.purpose,
        gather_s=job.gather_s,
        repeat_of=job,
        starts_at=began + timedelta(seconds=plan.interval_s),
        state=State.NOTICED,
    )
