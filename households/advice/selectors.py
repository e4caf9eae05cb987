"""Advice as its owner sees it: inquiries with how far they have come, ranked offers, orders."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import QuerySet

from households.advice.errors import AdviceOrderUnknown, InquiryUnknown, OfferGone
from households.advice.inquiries import OPEN
from households.models import HOME, AdviceOrder, Household, Inquiry, ModelRun, RankedOffer

_STEPS_OF_A_MODEL = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How many steps of an inquiry are done, and of how many."""

    done: int
    of: int

    @property
    def per_cent(self) -> int:
        return round(100 * self.done / self.of)


def inquiries(household: Household) -> QuerySet[Inquiry]:
    """All inquiries, newest first."""
    return Inquiry.objects.using(HOME).filter(household=household)


def inquiry_get(household: Household, inquiry_id: uuid.UUID) -> Inquiry:
    """One of the home's inquiries; raises ``InquiryUnknown``."""
    row = inquiries(household).filter(pk=inquiry_id).first()
    if row is None:
        raise InquiryUnknown
    return row


def offer_get(household: Household, ranked_id: uuid.UUID) -> RankedOffer:
    """An offer of the home's advice; raises ``OfferGone``."""
    rows = RankedOffer.objects.using(HOME).select_related("run", "inquiry")
    row = rows.filter(pk=ranked_id, inquiry__household=household).first()
    if row is None:
        raise OfferGone
    return row


def orders(household: Household) -> QuerySet[AdviceOrder]:
    """All orders, newest first."""
    rows = AdviceOrder.objects.using(HOME).filter(household=household)
    return rows.select_related("ranked__run", "ranked__inquiry")


def order_get(household: Household, order_id: uuid.UUID) -> AdviceOrder:
    """One of the home's orders; raises ``AdviceOrderUnknown``."""
    row = orders(household).filter(pk=order_id).first()
    if row is None:
        raise AdviceOrderUnknown
    return row


def progress_of(inquiry: Inquiry) -> Progress:
    """Asking, finding, two steps for each model, comparing."""
    states = list(inquiry.runs.values_list("state", flat=True))
    steps = {ModelRun.State.WAITING: 0, ModelRun.State.FETCHED: 1}
    models = sum(steps.get(ModelRun.State(state), _STEPS_OF_A_MODEL) for state in states)
    before = {Inquiry.State.ASKING: 0, Inquiry.State.FINDING: 1}.get(Inquiry.State(inquiry.state), 2)
    of = 3 + max(1, len(states)) * _STEPS_OF_A_MODEL
    over = inquiry.state not in OPEN
    return Progress(of if over else before + models, of)
