"""The enterprise names its job, and the home answers with the lots that may be learnt from."""

from __future__ import annotations

from django.utils import timezone

from chain.contracts.crossing import job_id_of
from chain.core.codec import decode, encode
from fedlearn.learners.table import NotSuited
from fedlearn.learners.templates import template
from fedlearn.runtime.jobs.errors import NotAgreed
from fedlearn.runtime.offers import LOTS_MAX, JobOffer, LotsOffer, offer_of_hub
from households.learning.consent import decision
from households.learning.participation.home import State, enterprise_in, job_cost, keep, plan_of, question_of
from households.learning.participation.notices import lots_of_task
from households.learning.participation.port import HomeNode
from households.learning.source import table_of
from households.models import Participation


def offer_take(row: Participation, node: HomeNode, data: bytes) -> None:
    """Answer a job that is of the plan the home agreed to; the first one counts. Raises ``NotAgreed``.

    The mailbox is opened for the job before the answer leaves, so that no message of it is lost.
    """
    offer = decode(JobOffer, data)
    job = job_id_of(bytes(row.enterprise), bytes(row.plan_hash), offer.nonce)
    if offer.plan != bytes(row.plan) or offer.job != job or (row.job and bytes(row.job) != job):
        raise NotAgreed
    if row.state not in (State.PEERED, State.LICENSED, State.RUNNING):
        return
    if row.state == State.PEERED and not row.offered:
        keep(row, job=job, offered=_prices(row))
    node.job_open(job.hex(), enterprise_in(row))
    lots = tuple(sorted(bytes.fromhex(lot) for lot in row.offered))
    answer = LotsOffer(job=job, lots=lots, rows=_rows(row, lots))
    node.send(enterprise_in(row), offer_of_hub(job.hex()), encode(answer))


def _prices(row: Participation) -> dict[str, int]:
    plan = plan_of(row)
    answer = decision(row.household, question_of(row, micro=job_cost(plan)), timezone.now())
    lots = lots_of_task(row.household, plan.task, answer.classes, limit=LOTS_MAX) if answer.allowed else []
    return {bytes(lot.lot_id).hex(): lot.price for lot in lots}


def _rows(row: Participation, lots: tuple[bytes, ...]) -> int:
    """How many rows the home's training table has."""
    answer = decision(row.household, question_of(row, micro=0), timezone.now())
    table = table_of(row.household, template(row.task), lots, answer.classes, timezone.now())
    return 0 if isinstance(table, NotSuited) else len(table)
