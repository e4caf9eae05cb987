"""Writes about pseudonyms: registered by a signature of their key, removed by their owner or when long unused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from chain.crypto.hashing import address_of, tagged
from enterprises.board.errors import PseudonymForeign, PseudonymsTooMany, PseudonymTaken
from enterprises.board.models import MailObject, Owner, Pseudonym, TrainingNotice
from enterprises.partners.models import HubAccount, MarketToken, Organisation
from enterprises.partners.tokens import challenge_check

PSEUDONYMS_MAX: Final = 64
FORGET_AFTER_DAYS: Final = 90


def pseudonym_digest(challenge: str, public_key: bytes, token_digest: str) -> bytes:
    """What a pseudonym's key signs (32 bytes): the market's challenge, itself, and the SHA-256 of the owner's token.

    With the token in it nobody can hand in the proof of another account as its own.
    """
    return tagged("hearth/pseudonym", challenge.encode(), public_key, bytes.fromhex(token_digest))


def owned_by(owner: Owner) -> dict[str, Any]:
    """The filter for rows of this owner."""
    return {"hub": owner} if isinstance(owner, HubAccount) else {"organisation": owner}


def pseudonym_register(*, token: MarketToken, public_key: bytes, challenge: str, signature: bytes) -> Pseudonym:
    """Note that the bearer of the token is behind the key's address. Repeating it changes nothing.

    Args:
        token: the hub's or organisation's, as it calls.
        public_key: 33 bytes, compressed secp256k1.
        signature: 64 bytes over ``pseudonym_digest``.

    Raises:
        ChallengeInvalid: the challenge was not answered with this key for this token.
        PseudonymTaken: another account has it.
        PseudonymsTooMany: the account has 64 already.
    """
    challenge_check(challenge, public_key, signature, pseudonym_digest(challenge, public_key, token.digest))
    owner = token.hub or token.organisation
    assert owner is not None
    address = address_of(public_key).hex()
    row = Pseudonym.objects.filter(address=address).first()
    if row is None:
        if Pseudonym.objects.filter(**owned_by(owner)).count() >= pseudonyms_max():
            raise PseudonymsTooMany
        row = _create(address=address, public_key=public_key.hex(), owner=owner)
    if (row.hub_id, row.organisation_id) != (token.hub_id, token.organisation_id):
        raise PseudonymTaken
    return row


def pseudonyms_max() -> int:
    return int(getattr(settings, "HEARTH_PSEUDONYMS_MAX", PSEUDONYMS_MAX))


def organisation_pseudonym(organisation: Organisation) -> Pseudonym:
    """The pseudonym of an organisation's wallet, whose key proved itself when the organisation registered."""
    row = Pseudonym.objects.filter(address=organisation.address).first()
    if row is None:
        row = _create(address=organisation.address, public_key=organisation.public_key, owner=organisation)
    if row.organisation_id != organisation.pk:
        raise PseudonymTaken
    return row


def pseudonym_leave(*, owner: Owner, address: str) -> None:
    """Remove a pseudonym with its answer and its mailbox; an organisation's open notices close with its wallet's.

    One that is gone already is no error. What it sent stays with those it was sent to.

    Raises:
        PseudonymForeign: it is another account's.
    """
    row = Pseudonym.objects.filter(address=address).first()
    if row is None:
        return
    if owned_by(owner) != owned_by(_owner(row)):
        raise PseudonymForeign
    _remove(row)


def pseudonyms_forget() -> int:
    """Remove pseudonyms of hubs that were not heard of for 90 days; returns how many."""
    last = timezone.now().date() - timedelta(days=FORGET_AFTER_DAYS)
    rows = list(Pseudonym.objects.filter(hub__isnull=False, seen_on__lt=last)[:100])
    for row in rows:
        _remove(row)
    return len(rows)


def pseudonym_own(owner: Owner, address: str) -> Pseudonym:
    """The owner's own pseudonym, noted as heard of today. Raises ``PseudonymForeign``."""
    row = Pseudonym.objects.filter(address=address, **owned_by(owner)).first()
    if row is None:
        raise PseudonymForeign
    today = timezone.now().date()
    if row.seen_on != today:
        Pseudonym.objects.filter(pk=row.pk).update(seen_on=today)
    return row


def _create(*, address: str, public_key: str, owner: Owner) -> Pseudonym:
    """Of two who register at once, both get the one row."""
    try:
        with transaction.atomic(using="market"):
            return Pseudonym.objects.create(address=address, public_key=public_key, **owned_by(owner))
    except IntegrityError:
        return Pseudonym.objects.get(address=address)


def _owner(row: Pseudonym) -> Owner:
    owner = row.hub or row.organisation
    assert owner is not None
    return owner


def _remove(row: Pseudonym) -> None:
    with transaction.atomic(using="market"):
        MailObject.objects.filter(recipient=row.address).update(state=MailObject.State.DELETING)
        if row.organisation is not None and row.organisation.address == row.address:
            TrainingNotice.objects.filter(organisation=row.organisation, state=TrainingNotice.State.OPEN).update(
                state=TrainingNotice.State.CLOSED
            )
        row.delete()
