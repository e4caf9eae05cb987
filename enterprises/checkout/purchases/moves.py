"""How a purchase moves: one transaction writes the state, the line in its history, and what is to be sent."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from chain.core.types import Record
from enterprises.checkout.models import BuyerTransaction, Purchase, PurchaseStep
from enterprises.checkout.outbox import call_queue, call_retry
from marketplace.common.events import enterprise_group, publish
from marketplace.common.work import advance

State = Purchase.State


def move(purchase: Purchase, state: Purchase.State, *, note: str = "", again_in_s: float = 0.0, **changes: Any) -> None:
    """End this step: the purchase is in ``state`` now. Raises ``LeaseLost``, and then nothing is written."""
    with transaction.atomic(using="enterprise"):
        advance(purchase, using="enterprise", again_in_s=again_in_s, state=state, **changes)
        step_note(purchase, state, note=note)


def move_and_call(purchase: Purchase, state: Purchase.State, call: str, args: Record, **changes: Any) -> None:
    """As ``move``, and in the same transaction queue a call of the enterprise's wallet."""
    with transaction.atomic(using="enterprise"):
        row = call_queue(wallet=purchase.order.enterprise.wallet, purchase=purchase, call=call, args=args)
        call_retry(row)
        move(purchase, state, **changes)


def step_note(
    purchase: Purchase, state: Purchase.State, *, note: str = "", tx_id: str = "", height: int | None = None
) -> None:
    """Write the line of a state into the history, once, and tell open pages."""
    PurchaseStep.objects.get_or_create(
        purchase=purchase, state=state, defaults={"note": note, "tx_id": tx_id, "height": height}
    )
    publish(
        enterprise_group(purchase.order.enterprise_id),
        "purchase.changed",
        {"order": str(purchase.order.public_id), "purchase": str(purchase.public_id), "state": str(state)},
        using="enterprise",
    )


def call_of(purchase: Purchase, call: str) -> BuyerTransaction | None:
    """The call of this name for this purchase, if there is one."""
    return BuyerTransaction.objects.filter(purchase=purchase, call=call).first()
