"""What each offer would mean for this home, in whole millionths of money, with the facts that say why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fedlearn.learners.errors import OfferUnfit
from fedlearn.learners.recommend.forecast import Forecast, rounded, runs_below, year_of
from fedlearn.learners.recommend.offers import Comfort, Flat, Hourly, Offer, Setback, TwoRate
from fedlearn.learners.table import Ints

WH_PER_KWH: Final = 1000
DAY_HOURS: Final = 24
ABSENT_BELOW_PM: Final = 500
SAVING_MAX_PM: Final = 500
"""No setback saves more than half of the heating of an hour, whatever an offer says."""
Tariff = Flat | TwoRate | Hourly


@dataclass(frozen=True, slots=True)
class Reason:
    """A fact: a code that pages have words for, and its numbers by name."""

    code: str
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Month:
    """A bar of the chart: ``amount`` in Wh, or in hours per mille; ``money_micro`` the offer's cost or saving.

    ``present_micro`` is the present tariff's cost, None where it is not known or has no meaning.
    """

    month: str
    amount: int
    money_micro: int
    present_micro: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """An offer with its figures for this home.

    ``cost_micro`` is what it costs over the covered hours, ``cost_year_micro`` in a year at that rate,
    ``saving_year_micro`` against now (None if what it costs now is not known), ``benefit_year`` what it is ranked by,
    the higher the better.
    """

    offer: Offer
    cost_micro: int
    cost_year_micro: int
    saving_year_micro: int | None
    benefit_year: int
    reasons: tuple[Reason, ...]
    months: tuple[Month, ...]


def score(
    forecast: Forecast, offer: Offer, *, present: Offer | None = None, heating_year_micro: int | None = None
) -> Scored:
    """An offer's figures. ``present`` is the home's tariff now, ``heating_year_micro`` what heating costs it in a year.

    Raises ``OfferUnfit`` where the prediction is of another kind than the offer, or a setback has no heating cost.
    """
    if offer.kind != forecast.kind:
        raise OfferUnfit
    terms = offer.terms
    if isinstance(terms, Setback):
        if heating_year_micro is None or heating_year_micro < 0:
            raise OfferUnfit("What heating costs in a year must be known.")
        return _setback(forecast, offer, terms, heating_year_micro)
    if isinstance(terms, Comfort):
        return _comfort(forecast, offer, terms)
    return _tariff(forecast, offer, terms, present)


def prices(forecast: Forecast, terms: Tariff) -> Ints:
    """The price of each of the forecast's hours (hours,), in millionths for a kilowatt-hour."""
    if isinstance(terms, Flat):
        return np.full(forecast.hours, terms.price_micro_per_kwh, dtype=np.int64)
    if isinstance(terms, TwoRate):
        low = np.isin(forecast.hour, terms.low_hours)
        return np.where(low, terms.low_micro_per_kwh, terms.high_micro_per_kwh).astype(np.int64)
    table = np.array(terms.micro_per_kwh, dtype=np.int64)
    return table[forecast.hour if len(table) == DAY_HOURS else forecast.week_hour]


def costs_by_month(forecast: Forecast, terms: Tariff) -> list[int]:
    """The cost of each month with its share of the standing charge, in millionths; they add up to the whole."""
    by_hour = forecast.values * prices(forecast, terms)
    return [
        rounded(int(by_hour[rows].sum()), WH_PER_KWH)
        + rounded(terms.standing_micro_per_day * (rows.stop - rows.start), DAY_HOURS)
        for _, rows in forecast.months
    ]


def _tariff(forecast: Forecast, offer: Offer, terms: Tariff, present: Offer | None) -> Scored:
    costs = costs_by_month(forecast, terms)
    cost, now, before = sum(costs), None, None
    if present is not None and not isinstance(present.terms, Setback | Comfort):
        before = costs_by_month(forecast, present.terms)
        now = sum(before)
    cost_year = year_of(cost, forecast.hours)
    saving = None if now is None else year_of(now, forecast.hours) - cost_year
    months = tuple(
        Month(name, int(forecast.values[rows].sum()), costs[place], before[place] if before else None)
        for place, (name, rows) in enumerate(forecast.months)
    )
    reasons = _tariff_reasons(forecast, terms, cost, saving, months)
    return Scored(offer, cost, cost_year, saving, -cost_year, reasons, months)


def _tariff_reasons(
    forecast: Forecast, terms: Tariff, cost: int, saving: int | None, months: tuple[Month, ...]
) -> tuple[Reason, ...]:
    load = int(forecast.values.sum())
    found = []
    if saving is not None:
        code = "saves_a_year" if saving > 0 else "costs_more_a_year" if saving < 0 else "costs_the_same"
        found.append(Reason(code, {"micro": abs(saving)}))
    if load:
        found.append(Reason("mean_price", {"micro_per_kwh": rounded(cost * WH_PER_KWH, load)}))
        found.append(_peak(forecast, terms, load))
    if isinstance(terms, TwoRate) and load:
        low = np.isin(forecast.hour, terms.low_hours)
        share = rounded(1000 * int(forecast.values[low].sum()), load)
        found.append(Reason("low_rate_share", {"load_pm": share, "hours_a_day": len(terms.low_hours)}))
    if terms.standing_micro_per_day:
        found.append(Reason("standing_charge", {"micro_per_year": 365 * terms.standing_micro_per_day}))
    gains = [
        (month.present_micro - month.money_micro, month.month) for month in months if month.present_micro is not None
    ]
    if gains and max(gains)[0] > 0:
        year, month = map(int, max(gains)[1].split("-"))
        found.append(Reason("best_month", {"year": year, "month": month, "saving_micro": max(gains)[0]}))
    return (*found, _covered(forecast))


def _peak(forecast: Forecast, terms: Tariff, load: int) -> Reason:
    """The hour of the day with the most load, and the mean price that is paid in it."""
    by_hour = np.bincount(forecast.hour, forecast.values, DAY_HOURS)
    peak = int(by_hour.argmax())
    price = int(prices(forecast, terms)[forecast.hour == peak].mean())
    share = rounded(1000 * int(by_hour[peak]), load)
    return Reason("peak_hour", {"hour": peak, "load_pm": share, "price_micro_per_kwh": price})


def _setback(forecast: Forecast, offer: Offer, terms: Setback, heating_year_micro: int) -> Scored:
    away = np.zeros(forecast.hours, dtype=np.int64)
    away[runs_below(forecast, ABSENT_BELOW_PM, terms.min_absence_h)] = 1
    share_pm = min(SAVING_MAX_PM, terms.degrees * terms.saving_pm_per_degree)
    absent = int(away.sum())
    gross = rounded(heating_year_micro * absent * share_pm, forecast.hours * 1000)
    saving = gross - terms.price_micro_per_year
    months = tuple(
        Month(name, 1000 * int(away[rows].sum()), rounded(gross * int(away[rows].sum()), absent) if absent else 0)
        for name, rows in forecast.months
    )
    code = "saves_a_year" if saving > 0 else "costs_more_a_year" if saving < 0 else "costs_the_same"
    reasons = (
        Reason(code, {"micro": abs(saving)}),
        Reason("absent_hours", {"hours_a_year": year_of(absent, forecast.hours), "shortest_h": terms.min_absence_h}),
        Reason("heating_less", {"saving_micro": gross, "share_pm": share_pm, "degrees": terms.degrees}),
        _covered(forecast),
    )
    cost = rounded(terms.price_micro_per_year * forecast.hours, 8760)
    return Scored(offer, cost, terms.price_micro_per_year, saving, saving, reasons, months)


def _comfort(forecast: Forecast, offer: Offer, terms: Comfort) -> Scored:
    bad_pm = 1000 - forecast.values
    bad_year_pm = year_of(int(bad_pm.sum()), forecast.hours)
    avoided_pm = rounded(bad_year_pm * terms.avoided_pm, 1000)
    price = terms.price_micro_per_year
    months = tuple(Month(name, int(bad_pm[rows].sum()), 0) for name, rows in forecast.months)
    reasons = [Reason("uncomfortable_hours", {"hours_a_year": rounded(bad_year_pm, 1000)})]
    reasons.append(Reason("hours_avoided", {"hours_a_year": rounded(avoided_pm, 1000), "share_pm": terms.avoided_pm}))
    if avoided_pm:
        reasons.append(Reason("price_of_an_hour", {"micro": rounded(price * 1000, avoided_pm)}))
    cost = rounded(price * forecast.hours, 8760)
    return Scored(offer, cost, price, None, avoided_pm, (*reasons, _covered(forecast)), months)


def _covered(forecast: Forecast) -> Reason:
    return Reason("covered_hours", {"hours": forecast.hours, "hours_a_year": 8760})
