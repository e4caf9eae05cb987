"""A payee or an object that the market has seen before: the lot is sealed again under a new child, by itself."""

from __future__ import annotations

import pytest

from chain.core.codec import decode
from chain.exchange.certificate import QuorumCertificate
from chain.exchange.lots import LotSecrets
from chain.exchange.manifest import manifest_check
from chain.wallets.hd import cloud_secret
from households.models import Activity, Batch, Device, Household, HubOrder, Lot
from households.services.households import consent_withdraw
from households.services.secrets import operational_of
from households.services.voting import ledger_advance
from households.uploads.services import resealing
from households.uploads.services.batches import batch_close
from households.uploads.services.lots import lot_seal
from households.uploads.services.pipeline import uploads_advance
from tests.households.market import MemoryMarket, ObjectTaken
from tests.households.world import DAY_MS, START_MS, TestDevice, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")


class Restored:
    """A home of two devices with lots on sale, put back from a backup that knows nothing of them."""

    def __init__(self, market: MemoryMarket) -> None:
        self.market = market
        self.home: Household = home_new()
        self.devices: list[TestDevice] = devices_new(self.home, 2)
        share(self.home, "climate")
        self.upload(0)
        self.listed = {bytes(lot.lot_id): bytes(lot.object_id) for lot in lots(Lot.State.LISTED)}
        assert len(self.listed) == 2
        HubOrder.objects.using("home").all().delete()
        Lot.objects.using("home").all().delete()
        Device.objects.using("home").update(next_child=0)

    def upload(self, day: int) -> None:
        """A day's readings, voted on and sold as far as it goes by itself."""
        for number, device in enumerate(self.devices):
            device.measure("temperature", day=day, shift=day * 7 + number)
        assert batch_close(household=self.home, cut_ms=START_MS + (day + 1) * DAY_MS)
        self.go_on()

    def go_on(self) -> None:
        """Everybody does what is due until nothing is."""
        for _ in range(12):
            for model in (Batch, Lot):
                model.objects.using("home").update(next_try_at="2020-01-01T00:00Z")
            uploads_advance(self.home)
            ledger_advance(self.home)
            everybody_votes(self.devices)


def lots(state: str) -> list[Lot]:
    return list(Lot.objects.using("home").filter(state=state).order_by("quantity", "device__account_index"))


@pytest.fixture
def restored(market: MemoryMarket) -> Restored:
    return Restored(market)


@pytest.mark.parametrize(("objects_kept", "code"), [(True, "object_taken"), (False, "payee_used")])
def test_lots_under_used_payees_are_sealed_again_and_listed(restored: Restored, objects_kept: bool, code: str) -> None:
    market = restored.market
    if not objects_kept:
        market.objects.clear()
    kept = dict(market.objects)
    restored.upload(1)
    again, old = lots(Lot.State.LISTED), lots(Lot.State.RESEALED)
    assert len(again) == len(old) == 2 and {lot.reject_code for lot in old} == {code}
    assert {bytes(lot.lot_id) for lot in old} == set(restored.listed)
    assert not {bytes(lot.lot_id) for lot in again} & set(restored.listed)
    assert [bytes(lot.series_id) for lot in again] == [bytes(lot.series_id) for lot in old]
    assert [(lot.price, bytes(lot.licence), lot.expires_ms) for lot in again] == [
        (lot.price, bytes(lot.licence), lot.expires_ms) for lot in old
    ]
    assert market.deleted == [] and all(market.objects[key] == value for key, value in kept.items())
    for lot in again:
        assert bytes(lot.object_id) in market.objects
        assert Device.objects.using("home").get(pk=lot.device_id).next_child == lot.child_index + 1
    assert Activity.objects.using("home").filter(kind="lot.resealed").count() == 2


def test_both_lots_share_one_new_vote_which_counts_against_nobody(restored: Restored) -> None:
    scores = list(Device.objects.using("home").order_by("pk").values_list("score_good", "score_bad"))
    restored.upload(1)
    first, source, again = Batch.objects.using("home").order_by("number")
    assert (again.source_id, again.seals, again.label, again.state) == (source.pk, 1, source.label, Batch.State.DONE)
    assert first.source_id is None and source.source_id is None
    assert (again.readings, again.readings_rejected) == (0, 0) and again.readings_key == source.pk
    after = list(Device.objects.using("home").order_by("pk").values_list("score_good", "score_bad"))
    assert all(new[0] > old[0] and new[1] <= old[1] for old, new in zip(scores, after, strict=True))
    assert decode(QuorumCertificate, bytes(again.certificate)).header.height > source.height


def test_the_new_lot_opens_to_the_rows_that_were_approved(restored: Restored) -> None:
    restored.upload(1)
    for lot in lots(Lot.State.LISTED):
        row = restored.market.lot(bytes(lot.lot_id))
        secrets = LotSecrets.derive(cloud_secret(operational_of(restored.home)), bytes(lot.payee_key))
        sealed, manifest = lot_seal(lot, secrets)
        assert sealed.object_bytes == restored.market.objects[bytes(lot.object_id)]
        assert manifest_check(manifest, row.digest, bytes(lot.lot_id)).label == "pair-checked"
        old = Lot.objects.using("home").get(state=Lot.State.RESEALED, device=lot.device, quantity=lot.quantity)
        certificate = decode(QuorumCertificate, bytes(old.batch.certificate))
        before = next(root for root in certificate.plain_roots if root.series_id == bytes(old.series_id))
        assert (manifest.roots.batch_root, manifest.roots.facts) == (before.batch_root, before.facts)
        assert manifest.roots.plain_root != before.plain_root


def test_children_that_the_market_knows_are_passed_over_at_once(restored: Restored) -> None:
    restored.upload(1)
    HubOrder.objects.using("home").all().delete()
    Lot.objects.using("home").all().delete()
    Device.objects.using("home").update(next_child=0)
    restored.upload(2)
    assert {lot.child_index for lot in lots(Lot.State.RESEALED)} == {0}
    assert {lot.child_index for lot in lots(Lot.State.LISTED)} == {2}


def test_a_market_that_refuses_every_payee_does_not_keep_the_home_busy(
    restored: Restored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryMarket, "lot_known", lambda self, lot_id: False)
    monkeypatch.setattr(resealing, "SEALS_MAX", 1)
    monkeypatch.setattr(MemoryMarket, "object_put", refuse_object)
    restored.upload(1)
    assert {(lot.state, lot.reject_code) for lot in Lot.objects.using("home").filter(batch__seals=1)} == {
        (Lot.State.FAILED, "sealed_too_often")
    }
    assert Batch.objects.using("home").count() == 3


def test_what_the_owner_no_longer_shares_is_not_sealed_again(restored: Restored) -> None:
    for number, device in enumerate(restored.devices):
        device.measure("temperature", day=1, shift=7 + number)
    batch = batch_close(household=restored.home, cut_ms=START_MS + 2 * DAY_MS)
    assert batch is not None
    while not lots(Lot.State.RESEALED):
        uploads_advance(restored.home)
        ledger_advance(restored.home)
        everybody_votes(restored.devices)
    consent_withdraw(household=restored.home)
    restored.go_on()
    again = Lot.objects.using("home").filter(batch__source=batch)
    assert {(lot.state, lot.reject_code) for lot in again} == {(Lot.State.REJECTED, "not_shared")}


def refuse_object(self: MemoryMarket, *args: object, **kwargs: object) -> None:
    raise ObjectTaken
