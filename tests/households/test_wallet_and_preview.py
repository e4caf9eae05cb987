"""Words, keys at rest, the schedule, and the preview that shows exactly what leaves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from chain.core.codec import decode
from chain.exchange.lots import LotSecrets
from chain.exchange.rows import rows_read, rows_text
from chain.wallets.hd import cloud_secret
from households.consensus.batch import BatchTerms
from households.consensus.roots import series_chunks
from households.errors import NodeKeyMissing, WordsOfAnotherWallet
from households.models import Batch, HomeWallet, Household, Lot, UploadSchedule
from households.privacy.levels import columns_of, rule_decode
from households.services.households import consent_withdraw, household_create
from households.services.schedules import schedule_set, task_name
from households.services.secrets import operational_of
from households.services.voting import ledger_advance
from households.services.wallets import wallet_restore, wallet_words_new
from households.tasks import batch_due, sweep
from households.uploads.schedule import ScheduleInvalid
from households.uploads.services.batches import batch_close, batch_close_if_due
from households.uploads.services.contents import series_of_batch
from households.uploads.services.pipeline import uploads_advance
from households.uploads.services.preview import preview_of_next_batch
from tests.households.market import MemoryMarket
from tests.households.world import CELL, DAY_MS, PASSPHRASE, START_MS, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")


def test_neither_words_nor_branch_stand_in_the_database_in_clear(market: MemoryMarket) -> None:
    household, words = household_create(owner_id=1, cell=CELL, passphrase=PASSPHRASE)
    wallet = HomeWallet.objects.using("home").get(pk=household.pk)
    branch = operational_of(household)
    stored = wallet.keystore.encode() + bytes(wallet.operational)
    assert branch.secret not in stored and branch.secret.hex().encode() not in stored
    pairs = zip(words.split(), words.split()[1:], strict=False)
    assert not any(f"{first} {second}" in wallet.keystore for first, second in pairs)


def test_a_home_is_restored_from_its_words_on_a_node_that_lost_its_key(
    market: MemoryMarket, settings: Settings, tmp_path: Path
) -> None:
    household, words = household_create(owner_id=1, cell=CELL, passphrase=PASSPHRASE)
    before = operational_of(household)
    settings.HEARTH_SECRETS_DIR = tmp_path / "fresh"
    with pytest.raises(NodeKeyMissing):
        operational_of(household)
    with pytest.raises(NodeKeyMissing):
        household_create(owner_id=2, cell=CELL, passphrase=PASSPHRASE)
    with pytest.raises(WordsOfAnotherWallet):
        wallet_restore(household=household, words=wallet_words_new(), passphrase="another-lantern")
    wallet_restore(household=household, words=words, passphrase="another-lantern")
    assert operational_of(household).secret == before.secret
    assert (settings.HEARTH_SECRETS_DIR / "hub.key").stat().st_mode & 0o777 == 0o600


def test_the_same_words_make_the_same_home_elsewhere(market: MemoryMarket) -> None:
    words = wallet_words_new()
    household, again = household_create(owner_id=1, cell=CELL, passphrase=PASSPHRASE, words=words)
    assert again == words and household.state == Household.State.ACTIVE


def test_the_preview_shows_the_very_rows_that_are_sealed(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 1)
    share(home, "climate", level="coarse")
    devices[0].measure("temperature")
    devices[0].measure("humidity", base=4_000)
    shown = {entry.quantity: entry for entry in preview_of_next_batch(home)}
    assert all(entry.leaves for entry in shown.values())
    batch = batch_close(household=home, cut_ms=START_MS + DAY_MS)
    assert batch is not None
    uploads_advance(home)
    batch.refresh_from_db()
    terms = decode(BatchTerms, bytes(batch.terms))
    for entry, data in zip(terms.series, series_of_batch(batch), strict=True):
        assert entry.lot is not None
        _, rows = rows_read(series_chunks(data.series, entry.lot.rule, terms.seed))
        texts = tuple(rows_text(columns_of(rule_decode(entry.lot.rule)), rows))
        preview = shown[entry.quantity].preview
        assert preview is not None and preview.row_count == len(texts) == 24
        assert preview.rows == texts[: len(preview.rows)]


def test_nothing_leaves_without_a_rule_or_after_the_consent_was_withdrawn(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 1)
    devices[0].measure("temperature", step_s=1800)
    assert {entry.why_not for entry in preview_of_next_batch(home)} == {"not_shared"}
    share(home, "climate")
    batch_close(household=home, cut_ms=START_MS + DAY_MS)
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    consent_withdraw(household=home)
    uploads_advance(home)
    assert Lot.objects.using("home").get().state == Lot.State.CERTIFIED
    assert not market.objects


def test_a_payee_is_never_used_for_two_lots(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 1)
    share(home, "climate")
    for day in range(2):
        devices[0].measure("temperature", day=day, step_s=1800)
        batch_close(household=home, cut_ms=START_MS + (day + 1) * DAY_MS)
        uploads_advance(home)
    lots = list(Lot.objects.using("home").all())
    assert len({bytes(lot.payee) for lot in lots}) == len({bytes(lot.lot_id) for lot in lots}) == 2
    secret = cloud_secret(operational_of(home))
    assert len({LotSecrets.derive(secret, bytes(lot.payee_key)).secret for lot in lots}) == 2


def test_beat_knows_a_home_by_its_opaque_id_only(market: MemoryMarket) -> None:
    home = home_new(name="Sentinel villa")
    schedule_set(household=home, text="daily 03:00,15:30", zone="Europe/Paris", enabled=True)
    task = PeriodicTask.objects.get(name=task_name(home.pk))
    assert task.crontab is not None and (task.crontab.hour, task.crontab.minute) == ("3,15", "0,30")
    schedule_set(household=home, text="every 15m", zone="UTC", enabled=False)
    task.refresh_from_db()
    assert task.interval is not None and task.interval.every == 900 and task.crontab is None and not task.enabled
    assert "Sentinel" not in f"{task.name}{task.args}{task.kwargs}{task.description}"
    with pytest.raises(ScheduleInvalid):
        schedule_set(household=home, text="whenever", zone="UTC", enabled=True)


def test_a_batch_is_closed_once_however_many_ask(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 1)
    devices[0].measure("temperature", step_s=1800)
    schedule_set(household=home, text="every 1h", zone="UTC", enabled=True)
    now = timezone.now()
    assert batch_close_if_due(household=home, now=now) is None
    UploadSchedule.objects.using("home").update(next_due_at=now - timedelta(seconds=1))
    batch_due(str(home.pk))
    sweep()
    assert Batch.objects.using("home").count() == 1
    assert UploadSchedule.objects.using("home").get().next_due_at > now
