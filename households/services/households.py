"""Setting up a home: its row, wallet, device ledger, schedule and rules."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from chain.crypto.hashing import address_of
from households.errors import HouseholdExists, NoHousehold
from households.models import HOME, Consent, Household
from households.privacy.levels import cell_check
from households.services.activity import activity_note
from households.services.ledgers import device_ledger
from households.services.schedules import DEFAULT_SCHEDULE, schedule_set
from households.services.wallets import wallet_create, wallet_keys, wallet_words_new
from households.uploads.schedule import schedule_parse
from marketplace.common.errors import InputError
from marketplace.common.licences import CONSENT, current
from marketplace.common.types import to_ms

NAME_MAX = 60
INTERVAL_MIN_MS, INTERVAL_MAX_MS = 250, 24 * 3600 * 1000


def household_create(
    *,
    owner_id: int,
    cell: str,
    passphrase: str,
    name: str = "My home",
    words: str = "",
    schedule: str = DEFAULT_SCHEDULE,
    auto_accept: bool = False,
) -> tuple[Household, str]:
    """Set up a home and its wallet; the second value is the wallet's words, which are shown once and kept nowhere.

    ``words`` restores an existing wallet instead of making one. ``cell`` is the grid cell (``privacy.levels``) under
    which lots are listed. The home is active once the words are confirmed (at once when they were given).

    Raises ``HouseholdExists``, ``InputError``, ``PlaceInvalid``, ``WordsInvalid``, ``WeakPassphrase``,
    ``NodeKeyMissing``.
    """
    cell_check(cell)
    schedule_parse(schedule)
    if not 1 <= len(name.strip()) <= NAME_MAX:
        raise InputError(f"A home's name has 1 to {NAME_MAX} characters")
    keys = wallet_keys(words or wallet_words_new())
    now = timezone.now()
    household = Household(
        owner_id=owner_id,
        cell=cell,
        name=name.strip(),
        auto_accept=auto_accept,
        ledger=f"home-{address_of(keys.authority.public_key).hex()}",
        state=Household.State.ACTIVE if words else Household.State.NEW,
        created_at=now,
    )
    try:
        with transaction.atomic(using=HOME):
            household.save(using=HOME, force_insert=True)
            wallet_create(household=household, keys=keys, passphrase=passphrase, now_ms=to_ms(now))
            activity_note(household=household, kind="household.created", topic="household")
    except IntegrityError:
        raise HouseholdExists() from None
    with device_ledger(household):  # writes the genesis
        pass
    schedule_set(household=household, text=schedule, zone="UTC", enabled=True)
    return household, keys.words


def household_update(
    *,
    household: Household,
    name: str | None = None,
    cell: str | None = None,
    interval_ms: int | None = None,
    upload_ms: int | None = None,
    auto_accept: bool | None = None,
) -> Household:
    """Change what the owner may change of the home itself. Raises ``InputError``."""
    changes: dict[str, object] = {}
    if name is not None:
        if not 1 <= len(name.strip()) <= NAME_MAX:
            raise InputError(f"A home's name has 1 to {NAME_MAX} characters")
        changes["name"] = name.strip()
    if cell is not None:
        changes["cell"] = cell_check(cell)
    for field, value in (("interval_ms", interval_ms), ("upload_ms", upload_ms)):
        if value is not None:
            if not INTERVAL_MIN_MS <= value <= INTERVAL_MAX_MS:
                raise InputError("Devices measure and send every 0.25 s to 24 h")
            changes[field] = value
    if auto_accept is not None:
        changes["auto_accept"] = auto_accept
    if changes:
        with transaction.atomic(using=HOME):
            Household.objects.using(HOME).filter(pk=household.pk).update(**changes)
            activity_note(household=household, kind="household.changed", topic="household")
    household.refresh_from_db(using=HOME)
    return household


def household_of(owner_id: int) -> Household:
    """The owner's home; raises ``NoHousehold``."""
    found = Household.objects.using(HOME).filter(owner_id=owner_id).first()
    if found is None:
        raise NoHousehold()
    return found


def consent_give(*, household: Household, text_name: str) -> Consent:
    """The owner agrees to the present text on sharing. Agreeing again changes nothing. Raises ``InputError``."""
    text = current(CONSENT)
    if text_name != text.name:
        raise InputError("This is not the present text; reload the page and read it again")
    with transaction.atomic(using=HOME):
        consent, _ = Consent.objects.using(HOME).update_or_create(
            household=household, text=text.name, defaults={"digest": text.digest.hex(), "withdrawn_at": None}
        )
        activity_note(household=household, kind="consent.given", topic="uploads", facts={"text": text.name})
    return consent


def consent_withdraw(*, household: Household) -> None:
    """The owner no longer agrees: nothing more is sealed or listed. What was sold stays sold."""
    with transaction.atomic(using=HOME):
        given = Consent.objects.using(HOME).filter(household=household, withdrawn_at__isnull=True)
        if given.update(withdrawn_at=timezone.now()):
            activity_note(household=household, kind="consent.withdrawn", topic="uploads")


def consent_present(household: Household) -> bool:
    """Whether the owner has agreed to the present text and not withdrawn it."""
    text = current(CONSENT)
    given = Consent.objects.using(HOME).filter(household=household, text=text.name, withdrawn_at__isnull=True)
    return given.filter(digest=text.digest.hex()).exists()
