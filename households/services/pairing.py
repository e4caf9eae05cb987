"""How a new device comes in: a pairing code or the owner's inbox, a proved key, the owner's yes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chain.core.codec import encode
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import verify
from households.consensus.errors import EnrolmentRefused
from households.consensus.messages import DeviceFactsAnnounced, Prove, prove_digest
from households.errors import DeviceRefused, InboxFull, PairingCodeWrong
from households.models import HOME, Candidate, Device, Household, PairingCode
from households.privacy.classes import quantity_of
from households.services.activity import activity_note
from marketplace.common.errors import InputError

INBOX_MAX = 20
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that look alike
CODE_LENGTH = 10
CODE_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What a proved key is to the home: an enrolled device, or a candidate that waits (``accept_now``: for nobody)."""

    device: Device | None
    candidate: Candidate | None = None
    accept_now: bool = False


def pairing_code_create(
    *, household: Household, uses: int = 1, life: timedelta = CODE_LIFE, replaces: Device | None = None
) -> str:
    """A code to type into new devices, kept as a hash only. With ``replaces`` it rotates that device's key instead."""
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    PairingCode.objects.using(HOME).create(
        household=household,
        digest=_digest(household, code),
        uses_left=uses,
        expires_at=timezone.now() + life,
        replaces=replaces,
    )
    return code


def device_proved(*, household: Household, public_key: bytes, nonce: bytes, prove: Prove) -> Known:
    """Check a device's proof of its key and find out what it is to this home.

    An enrolled device is known by its key. Another one needs room in the inbox, or a pairing code that opens it the
    door (at once, if the owner lets codes do that; a code for a rotation always does).

    Raises ``EnrolmentRefused``, ``DeviceRefused``, ``PairingCodeWrong``, ``InboxFull``, ``InputError``.
    """
    digest = prove_digest(household.ledger, nonce, public_key, prove.facts)
    if not verify(public_key, digest, prove.signature):
        raise EnrolmentRefused()
    device = Device.objects.using(HOME).filter(household=household, identity_key=public_key).first()
    if device is not None:
        return Known(device)
    _facts_check(prove.facts)
    with transaction.atomic(using=HOME):
        return _candidate(household, public_key, prove)


def candidate_refuse(*, candidate: Candidate) -> None:
    """The owner does not let a device in; it is told so when it comes again."""
    with transaction.atomic(using=HOME):
        waiting = Candidate.objects.using(HOME).filter(pk=candidate.pk, state=Candidate.State.WAITING)
        if waiting.update(state=Candidate.State.REFUSED):
            activity_note(household=candidate.household, kind="device.refused", topic="devices")


def _candidate(household: Household, public_key: bytes, prove: Prove) -> Known:
    found = Candidate.objects.using(HOME).filter(household=household, public_key=public_key).first()
    if found is not None and found.state == Candidate.State.REFUSED:
        raise DeviceRefused()
    code = _code_use(household, prove.code) if prove.code and found is None else None
    if found is None:
        waiting = Candidate.objects.using(HOME).filter(household=household, state=Candidate.State.WAITING)
        if code is None and waiting.count() >= INBOX_MAX:
            raise InboxFull()
        found = Candidate.objects.using(HOME).create(
            household=household,
            public_key=public_key,
            facts=encode(prove.facts),
            device_class=prove.facts.device_class,
            model=prove.facts.model,
            replaces=code.replaces if code else None,
        )
        activity_note(household=household, kind="device.waiting", topic="devices")
    else:
        Candidate.objects.using(HOME).filter(pk=found.pk).update(seen_at=timezone.now())
    now = code is not None and (household.auto_accept or code.replaces is not None)
    return Known(None, found, accept_now=now)


def _code_use(household: Household, code: str) -> PairingCode:
    codes = PairingCode.objects.using(HOME).filter(
        household=household, digest=_digest(household, code), uses_left__gt=0, expires_at__gt=timezone.now()
    )
    found = codes.first()
    if found is None or codes.update(uses_left=F("uses_left") - 1) != 1:
        raise PairingCodeWrong()
    return found


def _digest(household: Household, code: str) -> str:
    return sha256(household.pk.bytes, code.strip().upper().encode()).hex()


def _facts_check(facts: DeviceFactsAnnounced) -> None:
    """A device announces quantities of its class only, each in the class's unit."""
    if not 1 <= len(facts.quantities) <= 16:
        raise InputError("A device announces 1 to 16 quantities")
    for announced in facts.quantities:
        quantity = quantity_of(facts.device_class, announced.quantity)
        if quantity.unit != announced.unit:
            raise InputError("The quantity is not measured in this unit")
