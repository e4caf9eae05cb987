"""Exactly what would leave the home with the next batch, for the owner to look at before it does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from chain.contracts.devices import may
from chain.contracts.devices.rows import SELL, TRAIN, UPLOAD
from chain.exchange.lots import batch_seed
from chain.wallets.hd import cloud_secret
from households.consensus.batch import series_id
from households.consensus.readings import segment_parse
from households.home.models import Series as SeriesRow
from households.home.models import StoredSegment
from households.models import HOME, Device, Household
from households.privacy.risk import Preview, preview_of
from households.privacy.transforms import desensitise
from households.services.households import consent_present
from households.services.ledgers import device_ledger
from households.services.market import market_of
from households.services.rules import Terms, privacy_rule, terms_of
from households.services.secrets import operational_of
from households.uploads.services.batches import batch_id_next
from marketplace.common.errors import HearthError
from marketplace.common.types import to_ms

WHY_NOT = {UPLOAD: "may_not_upload", SELL: "may_not_sell", TRAIN: "may_not_train"}


@dataclass(frozen=True, slots=True)
class SeriesPreview:
    """One series: whether it would leave and why not, and its rows as a buyer would read them."""

    device: Device
    quantity: str
    leaves: bool
    why_not: str
    readings: int
    price: int
    level: str
    preview: Preview | None


def preview_of_next_batch(household: Household) -> list[SeriesPreview]:
    """What a batch that is closed now would hold, by series. The devices' vote may still keep a series back.

    The rows are computed by the very transform that seals a lot, with the seed of the next batch.
    """
    now_ms = to_ms(timezone.now())
    raws: dict[int, list[bytes]] = defaultdict(list)
    waiting = StoredSegment.objects.using(HOME).filter(household=household, batch_key=None, last_ms__lt=now_ms)
    for series_pk, raw in waiting.order_by("series", "first_sequence").values_list("series_id", "raw"):
        raws[series_pk].append(bytes(raw))
    homes = _homes_in_cell(household)
    batch_id = batch_id_next(household)
    seed = batch_seed(cloud_secret(operational_of(household)), batch_id)
    terms, consent = terms_of(household), consent_present(household)
    rows = SeriesRow.objects.using(HOME).filter(pk__in=list(raws)).select_related("device")
    found = []
    for row in rows.order_by("device__account_index", "quantity"):
        own = terms[row.device.device_class]
        why_not = _why_not(household, row.device, own, consent)
        preview = _rows(row, raws[row.pk], own, batch_id, seed, homes)
        count = sum(len(segment_parse(raw).segment.values) for raw in raws[row.pk])
        found.append(
            SeriesPreview(row.device, row.quantity, not why_not, why_not, count, own.price, own.level, preview)
        )
    return found


def _rows(row: SeriesRow, raws: list[bytes], terms: Terms, batch_id: bytes, seed: bytes, homes: int) -> Preview:
    rule = privacy_rule(terms, row.quantity, (row.low, row.high))
    readings: list[tuple[int, int]] = []
    for raw in raws:
        segment = segment_parse(raw).segment
        readings += zip(segment.times_ms, segment.values, strict=True)
    sid = series_id(batch_id, bytes(row.device.device_id), row.quantity)
    return preview_of(rule, desensitise(readings, rule, batch_seed=seed, series_id=sid), homes_in_cell=homes)


def _why_not(household: Household, device: Device, terms: Terms, consent: bool) -> str:
    """A stable code for why a series stays at home, or an empty text."""
    if not terms.share:
        return "not_shared"
    if not consent:
        return "consent_missing"
    with device_ledger(household) as ledger:
        missing = [one for one in terms.permissions if not may(ledger.state, bytes(device.device_id), one)]
        return WHY_NOT[missing[0]] if missing else ""


def _homes_in_cell(household: Household) -> int:
    try:
        return market_of(household).homes_in_cell(household.cell)
    except HearthError:
        return 0  # the market is away: the risk is shown as if the home were alone
