"""From readings to money in one home, with all real parts but the network."""

from __future__ import annotations

import pytest

from chain.exchange.handover import buyer_secret, funding_new
from chain.exchange.lots import object_check, object_parse, open_lot
from chain.exchange.manifest import manifest_check, manifest_decode
from chain.exchange.rows import rows_read
from households.models import Batch, HubOrder, Lot
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from households.uploads.services.selling import hub_advance
from tests.households.market import MemoryMarket
from tests.households.world import DAY_MS, START_MS, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")


def test_readings_of_four_devices_become_lots_and_the_reward_lands_on_the_payee(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 4)
    share(home, "climate")
    for device in devices:
        assert all(answer.code == "" for answer in device.measure("temperature"))
    batch = batch_close(household=home, cut_ms=START_MS + DAY_MS)
    assert batch is not None
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    batch.refresh_from_db()
    assert (batch.state, batch.label, batch.voters) == (Batch.State.CERTIFIED, "bft-verified", 4)
    uploads_advance(home)
    for _ in range(3):
        Lot.objects.using("home").update(next_try_at=batch.created_at)
        uploads_advance(home)
    lots = list(Lot.objects.using("home").all())
    failures = [(lot.last_error_code, lot.last_error) for lot in lots]
    assert [lot.state for lot in lots] == [Lot.State.LISTED] * 4, failures
    assert {lot.support for lot in lots} == {"corroborated"}

    row = market.lot(bytes(lots[0].lot_id))
    buyer = market.buyer(bytes([77]) * 32)
    r = bytes([5]) * 32
    stored = object_parse(market.objects[row.digest.object_id])
    object_check(stored, row.digest)
    fund = market.call(buyer.secret, "market.fund", funding_new(r, row, buyer.address, market.ledger))
    assert fund.receipt.code == ""
    for _ in range(4):
        HubOrder.objects.using("home").update(next_try_at=batch.created_at)
        hub_advance(home)
        market.tick(1_500)
    order = HubOrder.objects.using("home").get()
    assert order.state == HubOrder.State.SETTLED, (order.state, order.last_error_code, order.last_error)
    settled = market.order(bytes(order.order_id))
    opened = open_lot(stored, row.digest, row.payee_key, buyer_secret(settled.e, r, row.digest.key_point))
    _, rows = rows_read(opened.chunks)
    assert len(rows) == 288
    manifest_check(manifest_decode(opened.manifest), row.digest, row.lot_id)
    assert market.balance(bytes(lots[0].payee)) == order.reward == row.price - settled.fee
