"""Taking a lot off the market, and removing its object once no order is open (protocols.md 2)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from households.errors import LotNotOnOffer
from households.models import HOME, Lot
from households.services.activity import activity_note
from households.services.nudges import uploads_nudge


def lot_take_down(*, lot: Lot) -> Lot:
    """Queue a lot to be taken off the market. Raises ``LotNotOnOffer``."""
    with transaction.atomic(using=HOME):
        mine = Lot.objects.using(HOME).filter(pk=lot.pk, state=Lot.State.LISTED)
        if mine.update(state=Lot.State.LEAVING, next_try_at=timezone.now()) != 1:
            raise LotNotOnOffer()
        activity_note(
            household=lot.household, kind="lot.leaving", topic="uploads", device=lot.device, facts={"lot": str(lot.pk)}
        )
        uploads_nudge(lot.household)
    lot.refresh_from_db()
    return lot
