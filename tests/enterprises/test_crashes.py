"""A purchase survives the death of its worker between any two writes, and around every submission."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from chain.contracts.credits import ESCROW
from enterprises.catalog.indexing import catalog_advance
from enterprises.checkout.models import BuyerTransaction, Purchase
from enterprises.checkout.rounds import buyer_advance
from tests.enterprises.conftest import Buyer, everything_due
from tests.enterprises.home import Home, Lot, spoil_chunk
from tests.enterprises.market import Killed, connect, source
from tests.enterprises.test_purchases import listed_outside_preview

pytestmark = pytest.mark.django_db
WRITES = ("INSERT", "UPDATE", "DELETE")


class DeadlyWrites:
    """Dies before write number ``at`` to the enterprise's database; counts them."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(WRITES):
            self.seen += 1
            if self.seen == self.at:
                raise Killed
        return execute(sql, params, many, context)


@contextmanager
def dying(at: int) -> Iterator[DeadlyWrites]:
    watch = DeadlyWrites(at)
    with connections["enterprise"].execute_wrapper(watch):
        yield watch


def live(buyer: Buyer, home: Home, lot: Lot) -> None:
    """Rounds of buyer and home until nothing moves any more."""
    for _ in range(3):
        everything_due()
        buyer_advance()
        home.deliver(lot)
    everything_due()
    buyer_advance()


def run_with_death(buyer: Buyer, home: Home, lot: Lot, at: int) -> bool:
    """Run a purchase that dies at write ``at``, then live on; False when there were fewer writes."""
    try:
        with dying(at):
            live(buyer, home, lot)
    except Killed:
        live(buyer, home, lot)
        return True
    return False


@pytest.mark.slow
def test_death_before_any_write_leaves_one_payment_and_the_rows(buyer: Buyer, home: Home) -> None:
    spent, at = 0, 0
    while True:
        at += 1
        lot = home.list(home.seal(price=1))
        catalog_advance(source())
        (purchase,) = buyer.order(lot)
        died = run_with_death(buyer, home, lot, at)
        done = Purchase.objects.get(pk=purchase.pk)
        spent += 1
        assert (done.state, done.row_count) == (Purchase.State.SETTLED, 200), f"after dying before write {at}"
        assert buyer.balance() == 1000 - spent
        assert buyer.ledger.balance(ESCROW) == 0
        if not died:
            break
    assert at > 25


def test_death_during_a_complaint_still_ends_in_the_refund(buyer: Buyer, home: Home) -> None:
    for at in range(30, 48, 3):
        lot = listed_outside_preview(home, spoil_chunk, 7)
        (purchase,) = buyer.order(lot)
        run_with_death(buyer, home, lot, at)
        assert Purchase.objects.get(pk=purchase.pk).state == Purchase.State.REFUNDED, f"after dying before write {at}"
        assert buyer.balance() == 1000


@pytest.mark.parametrize("moment", ["before", "after"])
def test_death_around_a_submission_sends_the_same_bytes_and_pays_once(
    buyer: Buyer, home: Home, lot: Lot, moment: str
) -> None:
    (purchase,) = buyer.order(lot)

    def die() -> None:
        raise Killed

    setattr(connect(), moment, die)
    with pytest.raises(Killed):
        buyer.rounds()
    sent = BuyerTransaction.objects.get()
    r, raw = Purchase.objects.get(pk=purchase.pk).sealed_r, bytes(sent.raw)
    assert raw
    setattr(connect(), moment, lambda: None)
    buyer.rounds()
    sent.refresh_from_db()
    assert bytes(sent.raw) == raw
    assert bytes(Purchase.objects.get(pk=purchase.pk).sealed_r) == bytes(r)
    assert buyer.balance() == 900
    assert Purchase.objects.get(pk=purchase.pk).state == Purchase.State.FUNDED
