"""Reads of the board: notices, one notice, the answers to it."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from enterprises.board.errors import NoticeForeign, NoticeUnknown
from enterprises.board.models import NoticeAnswer, TrainingNotice
from enterprises.partners.models import Organisation

HEX_32: Final = re.compile(r"[0-9a-f]{64}")


def notices(*, only_open: bool = False, template: str = "", after: int = 0) -> QuerySet[TrainingNotice]:
    """Notices in the order of their numbers, without the bytes of their plans; those with a number above ``after``."""
    rows = TrainingNotice.objects.filter(pk__gt=after).select_related("organisation").defer("plan").order_by("pk")
    if only_open:
        rows = rows.filter(state=TrainingNotice.State.OPEN, closes_at__gt=timezone.now())
    return rows.filter(template=template) if template else rows


def notice_get(digest: str) -> TrainingNotice:
    """The notice for a plan's hash (64 hexadecimal digits). Raises ``NoticeUnknown``."""
    found = HEX_32.fullmatch(digest)
    row = TrainingNotice.objects.select_related("organisation").filter(plan_hash=digest).first() if found else None
    if row is None:
        raise NoticeUnknown
    return row


def answers_of(*, organisation: Organisation, digest: str, after: int = 0) -> QuerySet[NoticeAnswer]:
    """The answers to an organisation's own notice in the order of their numbers, those above ``after``.

    Raises:
        NoticeUnknown, NoticeForeign
    """
    notice = notice_get(digest)
    if notice.organisation_id != organisation.pk:
        raise NoticeForeign
    return NoticeAnswer.objects.filter(notice=notice, pk__gt=after).select_related("pseudonym").order_by("pk")
