"""The hub as seller: it answers what it verified, declines what does not fit, and never shows the key too late."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from chain.contracts.credits import Transfer
from chain.contracts.market.ids import fund_aad, fund_digest, order_id_of
from chain.contracts.market.rows import Expire
from chain.crypto.hpke import hpke_seal
from chain.crypto.secp256k1 import sign
from chain.exchange.handover import HPKE_INFO, funding_new
from households.errors import LotNotOnOffer, NothingToSweep, SweepNotUnderstood
from households.models import Batch, HomeWallet, Household, HubOrder, Lot, Sweep
from households.selectors.wallet import wallet_of
from households.services.secrets import ANSWER
from households.services.voting import ledger_advance
from households.uploads.services import selling
from households.uploads.services.batches import batch_close
from households.uploads.services.lots import FINAL_REFUSALS
from households.uploads.services.pipeline import uploads_advance
from households.uploads.services.selling import hub_advance
from households.uploads.services.sweeping import balances_refresh, sweep_start, sweeps_advance
from households.uploads.services.unlisting import lot_take_down
from tests.households.market import TREASURY, MemoryMarket
from tests.households.world import DAY_MS, START_MS, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
R = bytes([5]) * 32


def due_now() -> None:
    for model in (Batch, Lot, HubOrder, Sweep):
        model.objects.using("home").update(next_try_at=LONG_AGO)


@pytest.fixture
def seller(market: MemoryMarket) -> Household:
    """A home with one lot on offer."""
    home = home_new()
    devices = devices_new(home, 1)
    share(home, "climate", price=40)
    devices[0].measure("temperature", step_s=1800)
    batch_close(household=home, cut_ms=START_MS + DAY_MS)
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    for _ in range(4):
        due_now()
        uploads_advance(home)
    assert Lot.objects.using("home").get().state == Lot.State.LISTED
    return home


def bought(market: MemoryMarket, sealed: bytes = b"") -> HubOrder:
    """An order on the lot, with the key for r that the buyer sealed (or nonsense)."""
    lot = Lot.objects.using("home").get()
    row = market.lot(bytes(lot.lot_id))
    buyer = market.buyer(bytes([77]) * 32)
    fund = funding_new(R, row, buyer.address, market.ledger)
    if sealed:
        fund = msgspec.structs.replace(fund, sealed_r=sealed)
    assert market.call(buyer.secret, "market.fund", fund).receipt.code == ""
    hub_events(lot.household, market)
    return HubOrder.objects.using("home").get()


def hub_events(home: Household, market: MemoryMarket) -> None:
    selling.events_follow(home, market, selling.EventPages())


def test_an_order_whose_r_can_not_be_opened_is_declined_and_refunded(seller: Household, market: MemoryMarket) -> None:
    order = bought(market, sealed=b"\x01" * 80)
    hub_advance(seller)
    order.refresh_from_db()
    assert order.state == HubOrder.State.REFUNDED and order.refusal == "handover_sealed_r"
    assert market.order(bytes(order.order_id)).e == b""


def test_an_order_whose_r_is_another_is_declined(seller: Household, market: MemoryMarket) -> None:
    lot = Lot.objects.using("home").get()
    row = market.lot(bytes(lot.lot_id))
    buyer = market.buyer(bytes([77]) * 32)
    fund = funding_new(R, row, buyer.address, market.ledger)
    order_id = order_id_of(row.lot_id, fund.point)
    aad = fund_aad(market.ledger, order_id, row.lot_id, buyer.address)
    other = hpke_seal(row.digest.hpke_key, bytes([6]) * 32, aad, HPKE_INFO)
    signature = sign(R, fund_digest(market.ledger, order_id, row.lot_id, buyer.address))
    fund = msgspec.structs.replace(fund, sealed_r=other, r_signature=signature)
    market.call(buyer.secret, "market.fund", fund)
    hub_advance(seller)
    order = HubOrder.objects.using("home").get()
    assert order.state == HubOrder.State.REFUNDED and order.refusal == "handover_point"


def test_e_is_stored_sealed_before_the_commitment_goes_out(
    seller: Household, market: MemoryMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = bought(market)
    seen: list[bytes] = []
    submit = market.submit_and_wait

    def watched(raw: bytes):
        order.refresh_from_db()
        seen.append(bytes(order.answer))
        return submit(raw)

    monkeypatch.setattr(market, "submit_and_wait", watched)
    hub_advance(seller)
    assert all(seen) and ANSWER not in seen[0]
    e = market.order(bytes(order.order_id)).e
    assert e and e not in seen[0]


def test_e_is_not_shown_when_the_window_is_nearly_over(
    seller: Household, market: MemoryMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = bought(market)
    with monkeypatch.context() as dying:
        dying.setattr(selling, "_answer_show", _die)
        with pytest.raises(KeyboardInterrupt):
            hub_advance(seller)
    HubOrder.objects.using("home").update(lease_until=LONG_AGO)
    market.tick(2_900)
    hub_advance(seller)
    order.refresh_from_db()
    assert order.state == HubOrder.State.COMMITTED and order.last_error_code == "delivery_too_late"
    assert market.order(bytes(order.order_id)).e == b""
    market.tick(500)
    market.call(bytes([9]) * 32, "market.expire", Expire(order_id=bytes(order.order_id)))
    hub_advance(seller)
    order.refresh_from_db()
    assert order.state == HubOrder.State.REFUNDED and order.outcome == "missed"


def _die(*args: object) -> None:
    raise KeyboardInterrupt


def test_a_lot_that_is_taken_down_loses_its_object_only_when_no_order_is_open(
    seller: Household, market: MemoryMarket
) -> None:
    order = bought(market)
    lot = Lot.objects.using("home").get()
    lot_take_down(lot=lot)
    uploads_advance(seller)
    due_now()
    uploads_advance(seller)
    assert market.objects, "an order is open"
    for _ in range(4):
        due_now()
        hub_advance(seller)
        market.tick(1_500)
    order.refresh_from_db()
    assert order.state == HubOrder.State.SETTLED
    due_now()
    uploads_advance(seller)
    assert not market.objects
    with pytest.raises(LotNotOnOffer):
        lot_take_down(lot=lot)


def test_a_lot_that_can_not_be_anchored_loses_its_object(market: MemoryMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    home = home_new()
    devices = devices_new(home, 1)
    share(home, "climate")
    devices[0].measure("temperature", step_s=1800)
    batch_close(household=home, cut_ms=START_MS + DAY_MS)
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    Lot.objects.using("home").update(expires_ms=market.now_ms - 1)
    uploads_advance(home)
    lot = Lot.objects.using("home").get()
    assert (lot.state, lot.reject_code) == (Lot.State.FAILED, "expiry_past") and "expiry_past" in FINAL_REFUSALS
    assert not market.objects and market.deleted == [bytes(lot.object_id)]


def test_a_sweep_needs_the_owners_word_and_moves_each_payee_alone(seller: Household, market: MemoryMarket) -> None:
    bought(market)
    for _ in range(4):
        due_now()
        hub_advance(seller)
        market.tick(1_500)
    with pytest.raises(SweepNotUnderstood):
        sweep_start(household=seller, understood=False)
    (sweep,) = sweep_start(household=seller, understood=True)
    assert wallet_of(seller).balance == sweep.amount == 39
    assert sweeps_advance(seller) in (0, 1)
    due_now()
    sweeps_advance(seller)
    sweep.refresh_from_db()
    master = bytes(HomeWallet.objects.using("home").get(pk=seller.pk).master_address)
    assert sweep.state == Sweep.State.DONE and market.balance(master) == 39
    view = wallet_of(seller)
    assert (view.balance, view.master_balance, view.earned) == (0, 39, 39)
    with pytest.raises(NothingToSweep):
        sweep_start(household=seller, understood=True)
    transfers = [tx for tx in market.sent if b"credits.transfer" in tx]
    assert len(transfers) == 1


def test_balances_follow_the_ledger(seller: Household, market: MemoryMarket) -> None:
    from chain.contracts.credits import Mint

    lot = Lot.objects.using("home").get()
    Lot.objects.using("home").update(earned=1)
    market.call(TREASURY, "credits.mint", Mint(to=bytes(lot.payee), amount=7))
    balances_refresh(seller, market, everything=True)
    lot.refresh_from_db()
    assert lot.balance == 7 and Transfer(to=bytes(lot.payee), amount=1).amount == 1
