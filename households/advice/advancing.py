"""Going on with a home's inquiries and orders: every due row takes its next step, however often this is called."""

from __future__ import annotations

from django.utils import timezone

from households.advice.following import order_step
from households.advice.inquiries import OPEN, inquiry_fail, inquiry_step
from households.advice.orders import MOVING
from households.advice.port import Connection, connection_of
from households.models import AdviceOrder, Household, Inquiry
from households.models.base import HOME
from marketplace.common.errors import HearthError
from marketplace.common.work import claim_one, due, leased

STEPS_MAX = 100
LEASE_S = 120.0


def advice_advance(household: Household) -> int:
    """Take every step that is due; how many steps were taken."""
    inquiries = Inquiry.objects.filter(household=household, state__in=OPEN)
    orders = AdviceOrder.objects.filter(household=household, state__in=MOVING)
    connection: Connection | None = None
    steps = 0
    for _ in range(STEPS_MAX):
        inquiry = claim_one(inquiries, using=HOME, lease_s=LEASE_S)
        order = None if inquiry else claim_one(orders, using=HOME, lease_s=LEASE_S)
        if inquiry is None and order is None:
            break
        with leased(inquiry or order, using=HOME):  # type: ignore[arg-type]
            connection = connection or connection_of(household)
            if inquiry is not None:
                _inquire(inquiry, connection)
            elif order is not None:
                order_step(order, connection)
        steps += 1
    return steps


def advice_waiting() -> set[object]:
    """The homes with a step that is due."""
    now = timezone.now()
    inquiries = Inquiry.objects.using(HOME).filter(due(now), state__in=OPEN)
    orders = AdviceOrder.objects.using(HOME).filter(due(now), state__in=MOVING)
    return {pk for rows in (inquiries, orders) for pk in rows.values_list("household_id", flat=True)}


def _inquire(inquiry: Inquiry, connection: Connection) -> None:
    try:
        inquiry_step(inquiry, connection, timezone.now())
    except HearthError as error:
        if not inquiry_fail(inquiry, error):
            raise
