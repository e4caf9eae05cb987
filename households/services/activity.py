"""The owner's log and the live events of the owner's pages. Both hold ids and counts only."""

from __future__ import annotations

from typing import Any

from households.models import HOME, Activity, Device, Household
from marketplace.common.events import owner_group, publish


def activity_note(
    *, household: Household, kind: str, topic: str, device: Device | None = None, facts: dict[str, Any] | None = None
) -> None:
    """Write one line of the owner's log and tell open pages that ``topic`` (devices, uploads, wallet ...) changed."""
    Activity.objects.using(HOME).create(household=household, kind=kind, device=device, facts=facts or {})
    live_notify(household=household, topic=topic, data={"activity": kind})


def live_notify(*, household: Household, topic: str, data: dict[str, Any] | None = None) -> None:
    """Tell open pages of the owner, on commit, that something of ``topic`` changed."""
    publish(owner_group(household.owner_id), topic, data or {}, using=HOME)
