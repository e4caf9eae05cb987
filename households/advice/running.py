"""Running a model on the home's own readings, and what all offers come to under the best prediction.

Every model predicts hours whose truth the home knows. The one that was nearest judges all offers, whoever made them, so
that no enterprise's offer looks better for a model that flatters it (docs/adr/0066).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec
import numpy as np

from chain.contracts.service_models.rows import VersionRow
from chain.core.codec import decode
from fedlearn.learners.errors import ModelInvalid, OfferInvalid
from fedlearn.learners.families import family
from fedlearn.learners.model_file import Model
from fedlearn.learners.recommend.forecast import Forecast, forecast_of
from fedlearn.learners.recommend.offers import Offer, offer_hash, offer_of
from fedlearn.learners.recommend.rank import recommend
from fedlearn.learners.recommend.score import Scored
from fedlearn.learners.table import Floats, Table
from households.models import ModelRun

DAY_HOURS: Final = 24
__all__ = ["Judged", "Outcome", "forecast_read", "judge_of", "rank", "run_model"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model found here: its error and that of a guess without it (root mean squares), and its forecast."""

    rows: int
    error: float
    usual: float
    forecast: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """An offer with its figures, of which run it came with, and what its order costs in credits."""

    run: ModelRun
    raw: dict[str, Any]
    digest: bytes
    price: int
    scored: Scored


def run_model(model: Model, table: Table, task: str, utc_offset_min: int) -> Outcome:
    """Predict all rows of the table. Raises ``ModelInvalid``, ``ForecastInvalid``."""
    head = model.head
    if head.task != task:
        raise ModelInvalid("The model was taught another task.")
    predicted = family(head.shape.family).predict(model.parameters, head.scaler.apply(table.x), head.shape)
    if not np.isfinite(predicted).all():
        raise ModelInvalid("The model predicts values that are no numbers.")
    forecast = forecast_of(task, table.times_ms, predicted, utc_offset_min)
    return Outcome(
        rows=len(table),
        error=_rms(predicted - table.y),
        usual=_rms(table.baseline - table.y),
        forecast={
            "kind": forecast.kind,
            "times_ms": forecast.times_ms.tolist(),
            "values": forecast.values.tolist(),
            "utc_offset_min": utc_offset_min,
            "measured": _profile(forecast_of(task, table.times_ms, table.y, utc_offset_min)),
            "predicted": _profile(forecast),
        },
    )


def forecast_read(kept: dict[str, Any]) -> Forecast:
    """The forecast of a run."""
    times, values = (np.array(kept[name], dtype=np.int64) for name in ("times_ms", "values"))
    return Forecast(kept["kind"], times, values, int(kept["utc_offset_min"]))


def judge_of(runs: list[ModelRun]) -> ModelRun | None:
    """The run whose predictions were nearest to what happened here; of equals the one with the lower version."""
    done = [run for run in runs if run.state == ModelRun.State.DONE and run.error is not None]
    return min(done, key=lambda run: (run.error, bytes(run.version)), default=None)


def rank(
    runs: list[ModelRun], judge: ModelRun, *, present: dict[str, Any] | None, heating_year_micro: int | None
) -> tuple[list[Judged], list[dict[str, Any]]]:
    """All usable offers of all models that ran, best first, and what was left out with its code."""
    came = [(run, each) for run in runs if run.state == ModelRun.State.DONE for each in run.offers]
    # Each gets an id of its own for the ranking, since two enterprises may use one; what is ordered is the original.
    raws = [{**each["offer"], "id": f"{place:05}"} if isinstance(each["offer"], dict) else None
            for place, (_, each) in enumerate(came)]  # fmt: skip
    found = recommend(
        forecast_read(judge.forecast),
        raws,
        present=None if present is None else offer_of(present),
        heating_year_micro=heating_year_micro,
    )
    judged, refused = [], [_refused(*came[each.place], each.code) for each in found.refused]
    for scored in found.ranked:
        run, each = came[int(scored.offer.id)]
        try:
            digest = offer_hash(offer_of(each["offer"]))
        except OfferInvalid as fault:
            refused.append(_refused(run, each, fault.code))
            continue
        judged.append(Judged(run, each["offer"], digest, int(each["price"]), scored))
    return judged, refused


def figures_of(judged: Judged) -> dict[str, Any]:
    """The columns of a ranked offer."""
    scored = judged.scored
    return {
        "offer": judged.raw,
        "digest": judged.digest,
        "price": judged.price,
        "cost_year_micro": scored.cost_year_micro,
        "saving_year_micro": scored.saving_year_micro,
        "reasons": [asdict(reason) for reason in scored.reasons],
        "months": [asdict(month) for month in scored.months],
    }


def present_offer(price_micro_per_kwh: int, standing_micro_per_day: int, currency: str) -> dict[str, Any]:
    """The home's tariff now as an offer; raises ``OfferInvalid``."""
    terms = {
        "form": "flat",
        "price_micro_per_kwh": price_micro_per_kwh,
        "standing_micro_per_day": standing_micro_per_day,
    }
    raw = {"id": "present", "title": "Present tariff", "currency": currency, "terms": terms}
    offer: Offer = offer_of(raw)
    return dict(msgspec.to_builtins(offer))


def version_row(data: bytes) -> VersionRow:
    """The ledger's row of a version, as it is kept."""
    return decode(VersionRow, data)


def _refused(run: ModelRun, each: dict[str, Any], code: str) -> dict[str, Any]:
    offer = each["offer"]
    title = str(offer.get("title", ""))[:200] if isinstance(offer, dict) else ""
    return {"enterprise": run.enterprise_name, "title": title, "code": code}


def _profile(forecast: Forecast) -> list[float]:
    """The mean value of each hour of the home's day (24,): kWh, or a share."""
    sums = np.bincount(forecast.hour, forecast.values, DAY_HOURS)
    counts = np.maximum(np.bincount(forecast.hour, minlength=DAY_HOURS), 1)
    return [round(float(value), 4) for value in sums / counts / 1000.0]


def _rms(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))
