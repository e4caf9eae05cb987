"""Mailboxes on the cloud store: who bears the sender's pseudonym puts, who bears the recipient's reads and deletes.

Each try to put has a row and a file of its own: the row first, then the bytes, then the row becomes the one that is
STORED under its key and the row before it goes. A process that is killed between two of these leaves a row that the
sweep finds, and never half an object that somebody could read.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from chain.crypto.hashing import sha256
from enterprises.board.errors import (
    MailDamaged,
    MailHashWrong,
    MailKeyInvalid,
    MailNotAcquainted,
    MailObjectTooLarge,
    MailShareFull,
    MailStoreAway,
    MailStoreFull,
    MailUnknown,
    PseudonymForeign,
    PseudonymUnknown,
)
from enterprises.board.events import mail_event
from enterprises.board.models import MailObject, NoticeAnswer, Owner, Pseudonym
from enterprises.board.pseudonyms import pseudonym_own
from enterprises.catalog.store import storage

MAIL_MAX_BYTES: Final = 8 * 1024 * 1024 + 16 * 1024  # what fedlearn.runtime.envelopes makes at most
KEPT_DAYS: Final = 14
ARRIVING_MINUTES: Final = 15
SWEPT_AT_ONCE: Final = 500
LIMITS: Final = {
    "share_objects": 512,
    "share_bytes": 64 * 1024 * 1024,
    "box_objects": 16_384,
    "box_bytes": 8 * 1024 * 1024 * 1024,
}
ADDRESS: Final = re.compile(r"[0-9a-f]{40}")
NUMBER: Final = re.compile(r"[0-9]{16}")
Kind, State = MailObject.Kind, MailObject.State


@dataclass(frozen=True)
class MailKey:
    """Where an object lies. ``name`` is a letter's number in 16 digits, or ``request`` or ``bundle``."""

    recipient: str
    sender: str
    name: str

    @property
    def kind(self) -> str:
        return self.name if self.name in (Kind.REQUEST, Kind.BUNDLE) else Kind.LETTER

    def check(self) -> MailKey:
        """The key itself; raises ``MailKeyInvalid``."""
        named = self.kind != Kind.LETTER or NUMBER.fullmatch(self.name)
        if not ADDRESS.fullmatch(self.recipient) or not ADDRESS.fullmatch(self.sender) or not named:
            raise MailKeyInvalid
        return self


def mail_max_bytes() -> int:
    return int(getattr(settings, "HEARTH_MAIL_MAX_BYTES", MAIL_MAX_BYTES))


def limits() -> dict[str, int]:
    """How many objects and bytes one sender, and all together, may leave in a mailbox."""
    return {**LIMITS, **getattr(settings, "HEARTH_MAIL_LIMITS", {})}


def mail_put(*, owner: Owner, key: MailKey, data: bytes, digest: str) -> MailObject:
    """Leave an object in a mailbox, in the place of what the sender left there before under this key.

    The same bytes again change nothing. A reader sees all of an object or none.

    Args:
        owner: bears the sender's pseudonym.
        digest: SHA-256 of ``data`` as the sender announced it, hexadecimal.

    Raises:
        MailKeyInvalid, MailObjectTooLarge, MailHashWrong, PseudonymForeign, PseudonymUnknown, MailNotAcquainted
        MailShareFull, MailStoreFull: nothing was stored.
        MailStoreAway: nothing of it can be read; try again.
    """
    key.check()
    if len(data) > mail_max_bytes():
        raise MailObjectTooLarge(f"An object holds at most {mail_max_bytes()} bytes.")
    if sha256(data).hex() != digest:
        raise MailHashWrong
    sender = pseudonym_own(owner, key.sender)
    with transaction.atomic(using="market"):
        recipient = _locked(key.recipient)
        _acquainted_check(sender, recipient)
        there = _stored(key).first()
        if there is not None and there.sha256 == digest:
            return there
        _room_check(key, len(data))
        row = _arriving(key, data, digest)
    try:
        storage().save(row.file, ContentFile(data))
        _settle(row, key)
    except OSError as fault:
        raise MailStoreAway from fault
    finally:
        _abandon(row)
    _remove(MailObject.objects.filter(_at(key), state=State.DELETING))
    return row


def mail_open(*, owner: Owner, key: MailKey, max_bytes: int | None = None) -> tuple[MailObject, bytes]:
    """An object and its bytes, for who bears the recipient's pseudonym.

    Raises:
        MailKeyInvalid, PseudonymForeign, MailUnknown
        MailObjectTooLarge: it has more than ``max_bytes``.
        MailStoreAway: the row is here, the bytes can't be had.
        MailDamaged: the bytes are others than were sent.
    """
    pseudonym_own(owner, key.check().recipient)
    for _ in range(2):  # what was replaced between the row and its bytes is read once more
        row = _stored(key).first()
        if row is None:
            raise MailUnknown
        if max_bytes is not None and row.size_bytes > max_bytes:
            raise MailObjectTooLarge
        try:
            with storage().open(row.file) as held:
                data = bytes(held.read())
        except OSError:
            continue
        if sha256(data).hex() != row.sha256:
            raise MailDamaged
        return row, data
    raise MailStoreAway


def mail_delete(*, owner: Owner, key: MailKey) -> None:
    """Delete an object, for who bears the recipient's pseudonym or (to take it back) the sender's.

    One that is gone already is no error. Raises ``MailKeyInvalid``, ``PseudonymForeign``.
    """
    key.check()
    _own_either(owner, key.recipient, key.sender)
    _stored(key).update(state=State.DELETING)
    _remove(MailObject.objects.filter(_at(key), state=State.DELETING))


def mail_list(
    *, owner: Owner, recipient: str, kind: str, sender: str = "", after: str = "", limit: int = 1000
) -> list[MailObject]:
    """At most ``limit`` objects of a kind in a mailbox in the order of sender and name, those behind ``after``.

    Args:
        owner: bears the recipient's pseudonym, or that of ``sender``.
        sender: only what is from this address.
        after: ``sender/name`` of an object, or empty.

    Raises:
        MailKeyInvalid, PseudonymForeign
    """
    if not ADDRESS.fullmatch(recipient) or not ADDRESS.fullmatch(sender or recipient) or kind not in Kind.values:
        raise MailKeyInvalid
    _own_either(owner, recipient, sender or recipient)
    rows = MailObject.objects.filter(recipient=recipient, kind=kind, state=State.STORED, expires_at__gt=timezone.now())
    if sender:
        rows = rows.filter(sender=sender)
    if after:
        at, _, name = after.partition("/")
        MailKey(recipient, at, name).check()
        rows = rows.filter(Q(sender__gt=at) | Q(sender=at, name__gt=name))
    return list(rows.order_by("sender", "name")[:limit])


def mail_sweep() -> int:
    """Remove what has expired, what was never finished, and what a killed process left half deleted; how many went."""
    now = timezone.now()
    due = MailObject.objects.filter(expires_at__lte=now).exclude(state=State.DELETING)
    MailObject.objects.filter(pk__in=list(due.order_by().values_list("pk", flat=True)[:SWEPT_AT_ONCE])).update(
        state=State.DELETING
    )
    return _remove(MailObject.objects.filter(state=State.DELETING).order_by("pk")[:SWEPT_AT_ONCE])


def _at(key: MailKey) -> Q:
    return Q(recipient=key.recipient, sender=key.sender, name=key.name)


def _stored(key: MailKey) -> QuerySet[MailObject]:
    return MailObject.objects.filter(_at(key), state=State.STORED, expires_at__gt=timezone.now())


def _own_either(owner: Owner, recipient: str, sender: str) -> None:
    try:
        pseudonym_own(owner, recipient)
    except PseudonymForeign:
        pseudonym_own(owner, sender)


def _locked(recipient: str) -> Pseudonym:
    """The recipient's row, written so that whoever else fills this mailbox waits until the transaction ends."""
    if not Pseudonym.objects.filter(address=recipient).update(mail_at=timezone.now()):
        raise PseudonymUnknown
    return Pseudonym.objects.select_related("hub", "organisation").get(address=recipient)


def _acquainted_check(sender: Pseudonym, recipient: Pseudonym) -> None:
    """One is a pseudonym that answered a notice, the other belongs to the organisation that posted it."""
    hub, other = (sender, recipient) if sender.hub_id else (recipient, sender)
    known = NoticeAnswer.objects.filter(pseudonym=hub, notice__organisation=other.organisation_id)
    if not hub.hub_id or not other.organisation_id or not known.exists():
        raise MailNotAcquainted


def _room_check(key: MailKey, size: int) -> None:
    room = limits()
    kept = MailObject.objects.filter(recipient=key.recipient).exclude(state=State.DELETING)
    kept = kept.exclude(_at(key) & Q(state=State.STORED))
    share = _totals(kept.filter(sender=key.sender))
    if share["objects"] >= room["share_objects"] or share["bytes"] + size > room["share_bytes"]:
        raise MailShareFull
    box = _totals(kept)
    if box["objects"] >= room["box_objects"] or box["bytes"] + size > room["box_bytes"]:
        raise MailStoreFull


def _totals(rows: QuerySet[MailObject]) -> dict[str, Any]:
    return rows.order_by().aggregate(objects=Count("pk"), bytes=Coalesce(Sum("size_bytes"), 0))


def _arriving(key: MailKey, data: bytes, digest: str) -> MailObject:
    """The row of one try, under a file name that tells nothing."""
    token = secrets.token_hex(16)
    return MailObject.objects.create(
        recipient=key.recipient,
        sender=key.sender,
        kind=key.kind,
        name=key.name,
        file=f"mail/{token[:2]}/{token}",
        size_bytes=len(data),
        sha256=digest,
        expires_at=timezone.now() + timedelta(minutes=ARRIVING_MINUTES),
    )


def _settle(row: MailObject, key: MailKey) -> None:
    """The bytes are there: from now on this row is the object."""
    with transaction.atomic(using="market"):
        recipient = _locked(key.recipient)
        MailObject.objects.filter(_at(key), state=State.STORED).update(state=State.DELETING)
        row.state, row.expires_at = State.STORED, timezone.now() + timedelta(days=KEPT_DAYS)
        mine = MailObject.objects.filter(pk=row.pk, state=State.ARRIVING)
        if mine.update(state=row.state, expires_at=row.expires_at) != 1:
            raise MailStoreAway("The object took too long to arrive.")
        owner = recipient.hub or recipient.organisation
        assert owner is not None
        mail_event(owner)


def _abandon(row: MailObject) -> None:
    """Give up a try that did not settle; one that did is no longer ARRIVING."""
    MailObject.objects.filter(pk=row.pk, state=State.ARRIVING).update(state=State.DELETING)


def _remove(rows: QuerySet[MailObject]) -> int:
    """Bytes first, then the row: a row that is DELETING is found again."""
    found = list(rows)
    for row in found:
        storage().delete(row.file)
        row.delete()
    return len(found)
