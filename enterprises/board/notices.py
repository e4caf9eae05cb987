"""Writes of the notice board: organisations post and close notices, hubs answer and withdraw."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from enterprises.board.errors import (
    AnswerTaken,
    NoticeClosed,
    NoticeForeign,
    NoticeNotAccredited,
    NoticesTooMany,
    NoticeTaken,
    PseudonymUsed,
)
from enterprises.board.events import notice_event
from enterprises.board.models import NoticeAnswer, TrainingNotice
from enterprises.board.plans import plan_read
from enterprises.board.pseudonyms import organisation_pseudonym, pseudonym_own
from enterprises.board.selectors import notice_get, notices
from enterprises.partners.models import HubAccount, Organisation
from marketplace.common.errors import InputError

OPEN_DAYS_MAX: Final = 90
NOTICES_MAX: Final = 32
BUNDLE_MAX_BYTES: Final = 16 * 1024
CLASSES_MAX: Final = 16
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Wanted:
    """What a notice says beside the plan: which homes are wanted, for what, and until when."""

    purpose: str
    device_classes: tuple[str, ...]
    closes_at: datetime


def notice_post(*, organisation: Organisation, plan: bytes, wanted: Wanted) -> TrainingNotice:
    """Post a notice for a plan; posting the same again gives the notice that is there, in the state in which it is.

    The organisation's wallet becomes its pseudonym, so that hubs can write to it.

    Raises:
        NoticeNotAccredited, PlanUnreadable, InputError, NoticesTooMany
        NoticeTaken: there is one for this plan, with other words or by somebody else.
    """
    if not accredited(organisation):
        raise NoticeNotAccredited
    read, digest = plan_read(plan)
    _wanted_check(wanted)
    organisation_pseudonym(organisation)
    row = TrainingNotice.objects.filter(plan_hash=digest).first()
    if row is None:
        row = _create(organisation, digest, read.task, plan, wanted)
    told = Wanted(row.purpose, tuple(row.device_classes), row.closes_at)
    if row.organisation_id != organisation.pk or told != wanted:
        raise NoticeTaken
    return row


def notice_close(*, organisation: Organisation, digest: str) -> TrainingNotice:
    """Take no more answers; one that is closed already is no error. Raises ``NoticeUnknown``, ``NoticeForeign``."""
    row = _own(organisation, digest)
    closed = TrainingNotice.objects.filter(pk=row.pk, state=TrainingNotice.State.OPEN).update(
        state=TrainingNotice.State.CLOSED
    )
    if closed:
        notice_event()
    row.refresh_from_db()
    return row


def notice_answer(*, hub: HubAccount, digest: str, address: str, bundle: bytes) -> NoticeAnswer:
    """Take part in a notice under a pseudonym; answering the same again gives the answer that is there.

    Raises:
        NoticeUnknown, NoticeClosed, PseudonymForeign
        AnswerTaken: the hub has answered this notice otherwise.
        PseudonymUsed: the pseudonym answered another notice.
    """
    if not 0 < len(bundle) <= BUNDLE_MAX_BYTES:
        raise InputError(f"The bundle of keys has 1 to {BUNDLE_MAX_BYTES} bytes.")
    pseudonym = pseudonym_own(hub, address)
    notice = notice_get(digest)
    row = NoticeAnswer.objects.filter(notice=notice, hub=hub).first()
    if row is None:
        if not is_open(notice):
            raise NoticeClosed
        try:
            with transaction.atomic(using="market"):
                return NoticeAnswer.objects.create(notice=notice, pseudonym=pseudonym, hub=hub, bundle=bundle)
        except IntegrityError:  # either somebody was quicker, or the pseudonym is used
            row = NoticeAnswer.objects.filter(notice=notice, hub=hub).first()
            if row is None:
                raise PseudonymUsed from None
    if row.pseudonym_id != pseudonym.pk or bytes(row.bundle) != bundle:
        raise AnswerTaken
    return row


def notice_withdraw(*, hub: HubAccount, digest: str) -> None:
    """Take the hub's answer back; nothing passes between the two any more. Repeating it is no error."""
    NoticeAnswer.objects.filter(notice=notice_get(digest), hub=hub).delete()


def notices_close_due() -> int:
    """Close the notices whose time is over; returns how many."""
    due = TrainingNotice.objects.filter(state=TrainingNotice.State.OPEN, closes_at__lte=timezone.now())
    return due.update(state=TrainingNotice.State.CLOSED)


def is_open(notice: TrainingNotice) -> bool:
    """Whether it takes answers now."""
    return notice.state == TrainingNotice.State.OPEN and notice.closes_at > timezone.now()


def accredited(organisation: Organisation) -> bool:
    """Whether an operator lets the organisation act in the market now."""
    until = organisation.accredited_until
    return organisation.status == Organisation.Status.ACCREDITED and (until is None or until > timezone.now())


def _own(organisation: Organisation, digest: str) -> TrainingNotice:
    row = notice_get(digest)
    if row.organisation_id != organisation.pk:
        raise NoticeForeign
    return row


def _create(organisation: Organisation, digest: str, template: str, plan: bytes, wanted: Wanted) -> TrainingNotice:
    limit = int(getattr(settings, "HEARTH_NOTICES_MAX", NOTICES_MAX))
    if notices(only_open=True).filter(organisation=organisation).count() >= limit:
        raise NoticesTooMany
    try:
        with transaction.atomic(using="market"):
            row = TrainingNotice.objects.create(
                plan_hash=digest,
                plan=plan,
                organisation=organisation,
                template=template,
                purpose=wanted.purpose,
                device_classes=list(wanted.device_classes),
                closes_at=wanted.closes_at,
            )
            notice_event()
            return row
    except IntegrityError:
        return TrainingNotice.objects.get(plan_hash=digest)


def _wanted_check(wanted: Wanted) -> None:
    now = timezone.now()
    if not now < wanted.closes_at <= now + timedelta(days=OPEN_DAYS_MAX):
        raise InputError(f"A notice closes in the future, at most {OPEN_DAYS_MAX} days from now.")
    if not 0 < len(wanted.purpose.strip()) <= 500:
        raise InputError("The purpose has 1 to 500 characters.")
    classes = wanted.device_classes
    if (
        not 1 <= len(classes) <= CLASSES_MAX
        or len(set(classes)) != len(classes)
        or not all(map(NAME.fullmatch, classes))
    ):
        raise InputError(f"A notice names 1 to {CLASSES_MAX} different device classes.")
