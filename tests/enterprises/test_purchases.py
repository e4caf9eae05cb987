"""A purchase from basket to rows, and every way in which it ends otherwise."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from chain.contracts.credits import Transfer
from chain.contracts.market.rows import Reprice, Settle
from chain.exchange.complaints import preview_keys
from chain.exchange.lots import object_parse
from chain.wallets.signer import Signer
from enterprises.catalog.indexing import catalog_advance
from enterprises.checkout import exports, files, selectors, services
from enterprises.checkout.keys import unseal
from enterprises.checkout.models import BuyerTransaction, Purchase
from enterprises.checkout.outbox import wallet_context
from enterprises.errors import BasketChanged, DataNotReady, NotEnoughCredits
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot, spoil_chunk, spoil_key
from tests.enterprises.ledger import SharedLedger
from tests.enterprises.market import connect, source

pytestmark = pytest.mark.django_db


def fresh(purchase: Purchase) -> Purchase:
    return Purchase.objects.select_related("order__enterprise__wallet").get(pk=purchase.pk)


def listed_outside_preview(home: Home, spoil, index: int) -> Lot:
    """A spoilt lot whose preview did not happen to show the spoilt chunk."""
    for _ in range(20):
        lot = home.seal()
        spoil(lot, index)
        home.upload(lot)
        assert not home.ledger.call(lot.payee, "market.publish", lot.digest).receipt.code
        home.ledger.turn(10)
        home.ledger.turn(10)
        if index not in home.chosen(lot):
            return _open(home, lot)
    raise AssertionError("the preview always showed the spoilt chunk")


def _open(home: Home, lot: Lot) -> Lot:
    opened = preview_keys(lot.secrets, object_parse(lot.sealed.object_bytes), home.chosen(lot))
    assert not home.ledger.call(lot.payee, "market.open_preview", opened).receipt.code
    catalog_advance(source())
    return lot


def test_a_delivered_lot_is_opened_checked_accepted_and_paid(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.FUNDED
    home.commit(lot)
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.COMMITTED
    home.deliver(lot)
    buyer.rounds()
    done = fresh(purchase)
    assert (done.state, done.reason, done.row_count) == (Purchase.State.SETTLED, "", 200)
    assert done.label == "bft-verified"
    assert done.facts["limits"] == "default" and done.facts["quantity"] == "temperature"
    assert buyer.balance() == 900
    assert home.ledger.balance(lot.payee.address) == 98
    assert [stage.phase for stage in selectors.timeline(done)] == ["done"] * 7


def test_exports_hold_exactly_the_rows_that_were_sealed(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    done = fresh(purchase)
    expected = [value / 100 for _, value in lot.rows]
    text = b"".join(exports.export(done, "csv").blocks).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["time", "temperature_C"]
    assert [float(row[1]) for row in rows[1:]] == expected
    data = json.loads(b"".join(exports.export(done, "json").blocks))
    assert [row[1] for row in data["rows"]] == expected
    table = pq.read_table(io.BytesIO(b"".join(exports.export(done, "parquet").blocks)))
    assert table.column("temperature_C").to_pylist() == expected
    assert [int(each.timestamp() * 1000) for each in table.column("time").to_pylist()] == [row[0] for row in lot.rows]


def test_purchased_rows_are_not_readable_at_rest(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    stored = list(files.folder().iterdir())
    assert stored
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in stored)
    assert not any(b"temperature" in path.read_bytes() for path in stored)
    assert b"temperature" in b"".join(files.data_parts(fresh(purchase)))


def test_one_confirmation_funds_every_line_with_rising_nonces(buyer: Buyer, home: Home, lot: Lot) -> None:
    other, third = home.list(home.seal(price=30)), home.list(home.seal(price=50))
    catalog_advance(source())
    purchases = buyer.order(lot, other, third)
    buyer.rounds()
    assert {fresh(each).state for each in purchases} == {Purchase.State.FUNDED}
    nonces = list(BuyerTransaction.objects.order_by("pk").values_list("nonce", flat=True))
    assert nonces == [0, 1, 2]
    assert buyer.balance() == 1000 - 180


@pytest.mark.parametrize("asked_back", [False, True])
def test_a_node_that_slept_through_the_complaint_time_still_opens_what_it_paid_for(
    buyer: Buyer, home: Home, lot: Lot, asked_back: bool
) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    if asked_back:
        Purchase.objects.update(deadline_ms=1)
        buyer.rounds()
    home.deliver(lot)
    home.ledger.turn(24 * 3600 * 1000)
    (order,) = home.ledger.orders()
    assert not home.ledger.call(lot.payee, "market.settle", Settle(order.order_id)).receipt.code
    buyer.rounds()
    done = fresh(purchase)
    assert (done.state, done.ledger_state, done.row_count) == (Purchase.State.SETTLED, "SETTLED", 200)
    assert b"".join(exports.export(done, "csv").blocks)


def test_a_silent_hub_leads_to_a_refund(buyer: Buyer, ledger: SharedLedger, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    ledger.turn(3500)
    buyer.rounds()
    assert (fresh(purchase).state, fresh(purchase).reason) == (Purchase.State.REFUNDED, "missed")
    assert buyer.balance() == 1000


def test_a_hub_that_commits_and_falls_silent_leads_to_a_refund(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.commit(lot)
    buyer.rounds()
    home.ledger.turn(3500)
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.REFUNDED
    assert buyer.balance() == 1000


def test_a_rejected_order_is_refunded_at_once(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.reject(lot)
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.REFUNDED


def test_an_early_expire_is_refused_and_the_delivery_still_counts(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    Purchase.objects.update(deadline_ms=1)
    buyer.rounds()
    refused = BuyerTransaction.objects.get(call="market.expire")
    assert refused.code in ("deadline_not_passed", "") and buyer.balance() == 900
    home.deliver(lot)
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.SETTLED


def test_a_chunk_that_is_not_what_was_signed_leads_to_a_complaint_and_a_refund(buyer: Buyer, home: Home) -> None:
    lot = listed_outside_preview(home, spoil_chunk, 7)
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    done = fresh(purchase)
    assert (done.state, done.reason) == (Purchase.State.REFUNDED, "bad_chunk")
    assert buyer.balance() == 1000
    with pytest.raises(DataNotReady):
        exports.export(done, "csv")
    assert list(files.folder().iterdir()) == []


def test_a_list_of_other_keys_leads_to_a_complaint_a_refund_and_a_burnt_lot(buyer: Buyer, home: Home) -> None:
    lot = listed_outside_preview(home, spoil_key, 9)
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    assert (fresh(purchase).state, fresh(purchase).reason) == (Purchase.State.REFUNDED, "bad_keys")
    row = home.ledger.lot(lot.secrets.lot_id)
    assert row is not None and row.status == "BURNT"


def test_an_object_that_was_altered_in_the_store_is_found_before_paying(buyer: Buyer, lot: Lot) -> None:
    data = bytearray(lot.sealed.object_bytes)
    data[-1] ^= 1
    buyer.market.objects[lot.secrets.object_id] = bytes(data)
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    assert (fresh(purchase).state, fresh(purchase).reason) == (Purchase.State.FAILED, "object_chunk_altered")
    assert buyer.balance() == 1000
    assert not BuyerTransaction.objects.exists()


def test_a_price_that_rose_after_the_confirmation_is_not_paid(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    home.ledger.call(lot.payee, "market.reprice", Reprice(500))
    buyer.rounds()
    assert (fresh(purchase).state, fresh(purchase).reason) == (Purchase.State.FAILED, "price_changed")


def test_a_suspended_enterprise_is_refused_by_the_ledger_itself(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    home.ledger.suspend(bytes.fromhex(buyer.wallet.address))
    buyer.rounds()
    assert (fresh(purchase).state, fresh(purchase).reason) == (Purchase.State.FAILED, "buyer_not_accredited")


def test_confirming_another_sum_or_licence_than_shown_orders_nothing(buyer: Buyer, lot: Lot) -> None:
    line = services.basket_add(member=buyer.member, market=buyer.market, lot_id=lot.id)
    for total, licences in ((99, [line.licence]), (100, ["00" * 32]), (100, [])):
        with pytest.raises(BasketChanged):
            services.order_confirm(member=buyer.member, market=buyer.market, total=total, licences=licences)
    assert not Purchase.objects.exists()


def test_credits_that_are_spoken_for_cannot_be_confirmed_twice(buyer: Buyer, home: Home, lot: Lot) -> None:
    dear = home.list(home.seal(price=950))
    catalog_advance(source())
    buyer.order(lot)
    with pytest.raises(NotEnoughCredits):
        buyer.order(dear)


def test_a_market_that_is_away_delays_a_purchase_and_loses_nothing(buyer: Buyer, home: Home, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    connect().away = True
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.FUNDING
    connect().away = False
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.SETTLED


def test_a_nonce_used_by_somebody_else_is_taken_anew(buyer: Buyer, ledger: SharedLedger, lot: Lot) -> None:
    (purchase,) = buyer.order(lot)
    wallet = buyer.wallet
    wallet.next_nonce = 0
    wallet.save()
    signer = Signer(unseal(wallet.sealed_secret, wallet_context(wallet)))
    ledger.call(signer, "credits.transfer", Transfer(ledger.operator.address, 5))
    buyer.rounds()
    assert fresh(purchase).state == Purchase.State.FUNDED
    assert BuyerTransaction.objects.get().nonce == 1
