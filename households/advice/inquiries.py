"""An inquiry from the owner's click to ranked offers: every step is a row, and is made again if it was cut short."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from chain.contracts.service_models.rows import Request, VersionRow
from chain.core.codec import encode
from fedlearn.learners.table import NotSuited, Table
from fedlearn.learners.templates import template
from households.advice.accounts import account_branch, call_send, index_next
from households.advice.errors import InquiryUnderWay, NoModels, NoUsableModel, ReadingsTooFew
from households.advice.fetching import local_open, model_fetch
from households.advice.port import Connection, Listing
from households.advice.readings import table_of
from households.advice.running import figures_of, judge_of, rank, run_model, version_row
from households.advice.services_known import Known
from households.learning.source import utc_offset_min
from households.models import HOME, Household, Inquiry, ModelRun, RankedOffer
from households.services.activity import activity_note, live_notify
from households.services.nudges import advice_nudge
from marketplace.common.errors import HearthError, NotFound, Unavailable
from marketplace.common.work import advance, renew

State, Run = Inquiry.State, ModelRun.State
OPEN = (State.ASKING, State.FINDING, State.WORKING, State.RANKING)
TRIES = 8
TOPIC = "advice"


def inquiry_start(
    *, household: Household, known: Known, present: dict[str, Any] | None = None, heating_year_micro: int | None = None
) -> Inquiry:
    """Ask for a service, under a fresh account. ``present`` and ``heating_year_micro`` stay at home.

    Raises ``InquiryUnderWay``.
    """
    if Inquiry.objects.using(HOME).filter(household=household, service=known.service, state__in=OPEN).exists():
        raise InquiryUnderWay
    for _ in range(TRIES):
        index = index_next(household)
        row = Inquiry(
            household=household,
            account_index=index,
            account=account_branch(household, index).address,
            service=known.service,
            service_name=known.name,
            task=known.task,
            present=present,
            heating_year_micro=heating_year_micro,
        )
        try:
            with transaction.atomic(using=HOME):
                row.save(using=HOME, force_insert=True)
                activity_note(household=household, kind="advice.asked", topic=TOPIC, facts={"service": known.name})
                advice_nudge(household)
            return row
        except IntegrityError:
            continue  # another click took this index
    raise InquiryUnderWay


def inquiry_step(inquiry: Inquiry, connection: Connection, now: datetime) -> None:
    """Take the next step of a claimed inquiry."""
    {
        State.ASKING: _ask,
        State.FINDING: _find,
        State.WORKING: _work,
        State.RANKING: _rank,
    }[State(inquiry.state)](inquiry, connection, now)
    live_notify(household=inquiry.household, topic=TOPIC)


def _ask(inquiry: Inquiry, connection: Connection, now: datetime) -> None:
    proof = call_send(
        inquiry, "request", connection.models, "service_models.request", Request(name=inquiry.service_name)
    )
    if proof.receipt.code:
        _end(inquiry, proof.receipt.code)
    else:
        advance(inquiry, using=HOME, state=State.FINDING)


def _find(inquiry: Inquiry, connection: Connection, now: datetime) -> None:
    """The related models of all enterprises, each with what comes with it."""
    found = connection.models.models_of(bytes(inquiry.service))
    with transaction.atomic(using=HOME):
        for row in found:
            listing = _listing(connection, row)
            ModelRun.objects.using(HOME).get_or_create(
                inquiry=inquiry,
                version=row.version,
                defaults={
                    "row": encode(row),
                    "enterprise": row.enterprise,
                    "enterprise_name": listing.enterprise_name if listing else "",
                    "offers": list(listing.offers) if listing else [],
                },
            )
        if found:
            advance(inquiry, using=HOME, state=State.WORKING)
    if not found:
        _end(inquiry, NoModels.code)


def _listing(connection: Connection, row: VersionRow) -> Listing | None:
    """What comes with a version; nothing if it has no offers, or they are said to be another enterprise's."""
    try:
        listing = connection.shelf.listing(row.version)
    except NotFound:
        return None
    return listing if listing.enterprise == row.enterprise else None


def _work(inquiry: Inquiry, connection: Connection, now: datetime) -> None:
    """One model after the other: into the home database, then over the home's own readings."""
    waiting = list(inquiry.runs.exclude(state__in=(Run.DONE, Run.FAILED)))
    table: Table | None = None
    for run in waiting:
        try:
            local = model_fetch(inquiry.household, connection, version_row(bytes(run.row)))
            _note(inquiry, run, state=Run.FETCHED)
            table = table or _table(inquiry, now)
            model = local_open(local)
            found = run_model(model, table, inquiry.task, utc_offset_min(inquiry.household, now))
        except (Unavailable, ReadingsTooFew):
            raise
        except HearthError as fault:
            _note(inquiry, run, state=Run.FAILED, code=fault.code[:64])
            continue
        _note(
            inquiry, run, state=Run.DONE, rows=found.rows, error=found.error, usual=found.usual, forecast=found.forecast
        )
    advance(inquiry, using=HOME, state=State.RANKING)


def _table(inquiry: Inquiry, now: datetime) -> Table:
    table = table_of(inquiry.household, template(inquiry.task), now)
    if isinstance(table, NotSuited):
        raise ReadingsTooFew
    return table


def _note(inquiry: Inquiry, run: ModelRun, **changes: Any) -> None:
    """Write a run down while the inquiry is still ours."""
    with transaction.atomic(using=HOME):
        renew(inquiry, using=HOME)
        ModelRun.objects.using(HOME).filter(pk=run.pk).update(**changes)
        live_notify(household=inquiry.household, topic=TOPIC)


def _rank(inquiry: Inquiry, connection: Connection, now: datetime) -> None:
    runs = list(inquiry.runs.all())
    judge = judge_of(runs)
    if judge is None:
        _end(inquiry, NoUsableModel.code)
        return
    judged, refused = rank(runs, judge, present=inquiry.present, heating_year_micro=inquiry.heating_year_micro)
    with transaction.atomic(using=HOME):
        RankedOffer.objects.using(HOME).filter(inquiry=inquiry).delete()
        RankedOffer.objects.using(HOME).bulk_create(
            RankedOffer(inquiry=inquiry, run=each.run, place=place, **figures_of(each))
            for place, each in enumerate(judged, start=1)
        )
        kept = judge.forecast
        advance(
            inquiry,
            using=HOME,
            state=State.READY,
            judge=bytes(judge.version),
            hours=len(kept["times_ms"]),
            profile={"measured": kept["measured"], "predicted": kept["predicted"]},
            refused=refused,
            ended_at=now,
        )
        facts = {"service": inquiry.service_name, "offers": len(judged)}
        activity_note(household=inquiry.household, kind="advice.ready", topic=TOPIC, facts=facts)


def inquiry_fail(inquiry: Inquiry, error: HearthError) -> bool:
    """End an inquiry whose fault will not go away by itself; False if trying again may help."""
    if not isinstance(error, ReadingsTooFew):
        return False
    _end(inquiry, error.code)
    return True


def _end(inquiry: Inquiry, code: str) -> None:
    with transaction.atomic(using=HOME):
        advance(inquiry, using=HOME, state=State.FAILED, code=code[:64], ended_at=timezone.now())
        facts = {"service": inquiry.service_name, "code": code}
        activity_note(household=inquiry.household, kind="advice.failed", topic=TOPIC, facts=facts)
