"""A home that lets enterprises learn: a room's climate, approved by its devices and on offer for training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from households.learning.questions import Question
from households.learning.rules import rule_give
from households.models import Batch, ConsentRule, Household, Lot
from households.services.rules import rule_set
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from marketplace.common.licences import TRAINING, current
from tests.households.world import DAY_MS, START_MS, TestDevice, devices_new, everybody_votes, home_new

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ENTERPRISE = bytes([7]) * 20
OTHER = bytes([8]) * 20
JOB = bytes([1]) * 32
TASK = "comfort"
QUANTITIES = {"temperature": 2_100, "humidity": 4_500}


def licensed(home: Household, device_class: str, licence: str = TRAINING, level: str = "fine") -> None:
    """The owner offers a class under this licence."""
    rule_set(
        household=home, device_class=device_class, share=True, level=level, price=20, licence=licence, expiry_days=30
    )


def home_for_training(owner_id: int | None = None, devices: int = 1) -> tuple[Household, list[TestDevice]]:
    """A home whose climate sensors are offered for training."""
    home = home_new(owner_id)
    found = devices_new(home, devices)
    licensed(home, "climate")
    return home, found


def day_listed(home: Household, devices: list[TestDevice], day: int = 0, shifts: dict[int, int] | None = None) -> Batch:
    """A day of readings is voted on, sealed and put on offer; ``shifts`` makes single devices lie."""
    for number, device in enumerate(devices):
        for quantity, base in QUANTITIES.items():
            device.measure(quantity, day=day, base=base, shift=(shifts or {}).get(number, 0))
    batch = batch_close(household=home, cut_ms=START_MS + (day + 1) * DAY_MS)
    assert batch is not None
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    for _ in range(4):
        for model in (Batch, Lot):
            model.objects.using("home").update(next_try_at=LONG_AGO)
        uploads_advance(home)
    batch.refresh_from_db()
    return batch


def lot_ids(home: Household, **filters: object) -> list[bytes]:
    rows = Lot.objects.using("home").filter(household=home, **filters)
    return [bytes(lot_id) for lot_id in rows.values_list("lot_id", flat=True)]


def consent(home: Household, **changes: object) -> ConsentRule:
    """A rule of the owner's: any enterprise, any purpose, climate, epsilon 2, a year."""
    fields: dict[str, object] = {
        "classes": ["climate"],
        "limit_micro": 2_000_000,
        "expires_at": timezone.now() + timedelta(days=365),
        "text_name": current(TRAINING).name,
    }
    return rule_give(household=home, **{**fields, **changes})  # type: ignore[arg-type]


def question(**changes: object) -> Question:
    """May the enterprise learn comfort for epsilon 1?"""
    fields: dict[str, object] = {
        "task": TASK,
        "enterprise": ENTERPRISE,
        "enterprise_name": "Acme Analytics",
        "micro_epsilon": 1_000_000,
        "notice": bytes([3]) * 32,
    }
    return Question(**{**fields, **changes})  # type: ignore[arg-type]
