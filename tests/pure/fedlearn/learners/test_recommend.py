"""Recommendations: each figure can be computed by hand, and a bad offer harms no other."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedlearn.learners import errors
from fedlearn.learners.recommend.forecast import Forecast, forecast_of, rounded, runs_below, year_of
from fedlearn.learners.recommend.offers import offer_hash, offer_of, offer_parse
from fedlearn.learners.recommend.rank import Refused, recommend
from fedlearn.learners.recommend.score import Scored, prices, score
from fedlearn.learners.table import HOUR_MS

MONDAY_MS = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
FLAT = {"form": "flat", "price_micro_per_kwh": 300_000}
NIGHT = {
    "form": "two_rate",
    "low_micro_per_kwh": 150_000,
    "high_micro_per_kwh": 350_000,
    "low_hours": [22, 23, 0, 1, 2, 3, 4, 5],
}


def raw(terms: dict, name: str = "a", currency: str = "EUR") -> dict:
    return {"id": name, "title": f"Offer {name}", "currency": currency, "terms": terms}


def load(kwh: list[float] | np.ndarray, offset_min: int = 0, start_ms: int = MONDAY_MS) -> Forecast:
    times = start_ms + np.arange(len(kwh), dtype=np.int64) * HOUR_MS
    return forecast_of("next_hour_load", times, np.asarray(kwh, dtype=np.float64), offset_min)


def reasons(scored: Scored) -> dict[str, dict[str, int]]:
    return {reason.code: reason.numbers for reason in scored.reasons}


# Tariffs.


def test_a_flat_tariff_costs_load_times_price_and_the_standing_charge():
    found = score(load([2.0] * 48), offer_of(raw(FLAT | {"standing_micro_per_day": 100_000})))
    assert found.cost_micro == 96 * 300_000 + 2 * 100_000
    assert found.cost_year_micro == rounded(found.cost_micro * 8760, 48)
    assert found.saving_year_micro is None
    assert reasons(found)["standing_charge"] == {"micro_per_year": 36_500_000}
    assert reasons(found)["covered_hours"] == {"hours": 48, "hours_a_year": 8760}


def test_two_rates_follow_the_home_s_own_clock():
    # One hour's load at 21 h UTC: a high price there, a low one two hours further east.
    kwh = np.zeros(24)
    kwh[21] = 1.0
    assert score(load(kwh), offer_of(raw(NIGHT))).cost_micro == 350_000
    east = score(load(kwh, 120), offer_of(raw(NIGHT)))
    assert east.cost_micro == 150_000
    assert reasons(east)["low_rate_share"] == {"load_pm": 1000, "hours_a_day": 8}
    assert reasons(east)["peak_hour"] == {"hour": 23, "load_pm": 1000, "price_micro_per_kwh": 150_000}


def test_hourly_prices_of_a_day_and_of_a_week_from_monday_on():
    week = list(range(168))
    assert prices(load([1.0] * 168), offer_of(raw({"form": "hourly", "micro_per_kwh": week})).terms).tolist() == week
    day = list(range(24))
    assert prices(load([1.0] * 48), offer_of(raw({"form": "hourly", "micro_per_kwh": day})).terms).tolist() == day * 2
    tuesday = load([1.0], start_ms=MONDAY_MS + 24 * HOUR_MS)
    assert score(tuesday, offer_of(raw({"form": "hourly", "micro_per_kwh": week}))).cost_micro == 24


def test_a_year_of_predictions_is_taken_as_it_is_and_half_a_year_is_doubled():
    year = score(load(np.full(8760, 0.5)), offer_of(raw(FLAT)))
    assert year.cost_micro == year.cost_year_micro == 4380 * 300_000
    half = score(load(np.full(4380, 0.5)), offer_of(raw(FLAT)))
    assert half.cost_year_micro == year.cost_year_micro


def test_saving_is_against_the_present_tariff_and_the_months_add_up():
    present = offer_of(raw(FLAT, "now"))
    dice = np.random.default_rng(1)
    forecast = load(dice.gamma(2, 0.5, 8760))
    found = score(forecast, offer_of(raw(NIGHT)), present=present)
    assert [month.month for month in found.months] == [f"2024-{month:02}" for month in range(1, 13)]
    assert sum(month.money_micro for month in found.months) == found.cost_micro
    assert sum(month.amount for month in found.months) == forecast.values.sum()
    before = sum(month.present_micro for month in found.months)
    assert before == score(forecast, present).cost_micro
    assert found.saving_year_micro == before - found.cost_micro
    assert reasons(found)["saves_a_year"] == {"micro": found.saving_year_micro}
    best = max(found.months, key=lambda month: month.present_micro - month.money_micro)
    assert reasons(found)["best_month"] == {
        "year": 2024,
        "month": int(best.month[5:]),
        "saving_micro": best.present_micro - best.money_micro,
    }
    dearer = score(forecast, present, present=offer_of(raw(NIGHT)))
    assert reasons(dearer)["costs_more_a_year"] == {"micro": found.saving_year_micro}
    assert reasons(score(forecast, present, present=present))["costs_the_same"] == {"micro": 0}


def test_a_home_that_uses_nothing_still_pays_the_standing_charge():
    found = score(load([0.0] * 24), offer_of(raw(FLAT | {"standing_micro_per_day": 5})))
    assert found.cost_micro == 5
    assert "mean_price" not in reasons(found)


def test_negative_hourly_prices_pay_the_home():
    prices_of_day = [-1_000] * 24
    found = score(load([1.0] * 24), offer_of(raw({"form": "hourly", "micro_per_kwh": prices_of_day})))
    assert found.cost_micro == -24_000


# Setback and comfort.


def chances(task: str, values: list[float]) -> Forecast:
    times = MONDAY_MS + np.arange(len(values), dtype=np.int64) * HOUR_MS
    return forecast_of(task, times, np.array(values), 0)


SETBACK = {
    "form": "setback",
    "degrees": 3,
    "saving_pm_per_degree": 60,
    "min_absence_h": 4,
    "price_micro_per_year": 20_000_000,
}


def test_a_setback_saves_in_long_absences_only():
    day = [0.9] * 8 + [0.1] * 6 + [0.9] * 4 + [0.1] * 2 + [0.9] * 4
    found = score(chances("occupancy", day), offer_of(raw(SETBACK)), heating_year_micro=1_000_000_000)
    assert reasons(found)["absent_hours"] == {"hours_a_year": 6 * 365, "shortest_h": 4}
    assert reasons(found)["heating_less"] == {"saving_micro": 45_000_000, "share_pm": 180, "degrees": 3}
    assert found.saving_year_micro == 25_000_000
    assert found.months[0].amount == 6_000


def test_no_setback_is_believed_to_save_more_than_half():
    greedy = SETBACK | {"degrees": 10, "saving_pm_per_degree": 100, "price_micro_per_year": 0}
    found = score(chances("occupancy", [0.0] * 24), offer_of(raw(greedy)), heating_year_micro=1_000_000)
    assert found.saving_year_micro == 500_000


def test_absences_do_not_reach_over_gaps():
    times = MONDAY_MS + np.array([0, 1, 2, 10, 11, 12, 13], dtype=np.int64) * HOUR_MS
    forecast = forecast_of("occupancy", times, np.zeros(7), 0)
    assert runs_below(forecast, 500, 4).tolist() == [3, 4, 5, 6]
    assert runs_below(forecast, 500, 5).tolist() == []


def test_comfort_is_ranked_by_hours_avoided_and_then_by_price():
    forecast = chances("comfort", [0.5] * 24)
    offers = [
        raw({"form": "comfort", "avoided_pm": 200, "price_micro_per_year": 1}, "small"),
        raw({"form": "comfort", "avoided_pm": 500, "price_micro_per_year": 90}, "dear"),
        raw({"form": "comfort", "avoided_pm": 500, "price_micro_per_year": 80}, "good"),
    ]
    ranked = recommend(forecast, offers).ranked
    assert [entry.offer.id for entry in ranked] == ["good", "dear", "small"]
    assert reasons(ranked[0])["uncomfortable_hours"] == {"hours_a_year": 4380}
    assert reasons(ranked[0])["hours_avoided"] == {"hours_a_year": 2190, "share_pm": 500}


# Ranking and refusals.


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=8, unique=True))
def test_the_cheapest_tariff_is_first(price_list):
    offers = [raw(FLAT | {"price_micro_per_kwh": price}, str(price)) for price in price_list]
    found = recommend(load([1.5] * 24), offers)
    assert [int(entry.offer.id) for entry in found.ranked] == sorted(price_list)
    assert found.refused == ()


def test_a_bad_offer_is_told_with_its_code_and_the_others_are_ranked():
    offers = [
        raw(FLAT, "good"),
        raw(FLAT | {"price_micro_per_kwh": -1}, "negative"),
        raw(FLAT, "good"),
        raw(FLAT, "dollars", "USD"),
        raw(SETBACK, "setback"),
        raw({"form": "lottery"}, "lottery"),
        "not an offer",
        raw(FLAT | {"code": "import os"}, "code"),
    ]
    found = recommend(load([1.0] * 24), offers)
    assert [entry.offer.id for entry in found.ranked] == ["good"]
    assert found.refused == (
        Refused(1, "negative", "offer_price_invalid"),
        Refused(2, "good", "offer_repeated"),
        Refused(3, "dollars", "offer_currencies_differ"),
        Refused(4, "setback", "offer_unfit"),
        Refused(5, "lottery", "offer_kind_unknown"),
        Refused(6, "", "offer_malformed"),
        Refused(7, "code", "offer_malformed"),
    )


def test_the_present_tariff_decides_the_currency():
    found = recommend(load([1.0] * 24), [raw(FLAT, "a", "USD"), raw(FLAT, "b")], present=offer_of(raw(FLAT, "now")))
    assert [entry.offer.id for entry in found.ranked] == ["b"]


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        (FLAT | {"price_micro_per_kwh": 10_000_001}, errors.OfferPriceInvalid),
        (FLAT | {"price_micro_per_kwh": 0.3}, errors.OfferMalformed),
        (FLAT | {"standing_micro_per_day": -1}, errors.OfferPriceInvalid),
        (NIGHT | {"low_hours": []}, errors.OfferHoursInvalid),
        (NIGHT | {"low_hours": [24]}, errors.OfferHoursInvalid),
        (NIGHT | {"low_hours": [1, 1]}, errors.OfferHoursInvalid),
        (NIGHT | {"low_micro_per_kwh": 400_000}, errors.OfferPriceInvalid),
        ({"form": "hourly", "micro_per_kwh": [1] * 25}, errors.OfferHoursInvalid),
        ({"form": "hourly", "micro_per_kwh": [10**8] * 24}, errors.OfferPriceInvalid),
        (SETBACK | {"degrees": 0}, errors.OfferInvalid),
        (SETBACK | {"min_absence_h": 25}, errors.OfferHoursInvalid),
        (SETBACK | {"price_micro_per_year": -5}, errors.OfferPriceInvalid),
        ({"form": "comfort", "avoided_pm": 1001, "price_micro_per_year": 0}, errors.OfferInvalid),
        ({"form": ["flat"]}, errors.OfferKindUnknown),
        ({}, errors.OfferMalformed),
    ],
)
def test_offers_outside_the_declared_form_are_refused(terms, refusal):
    with pytest.raises(refusal):
        offer_of(raw(terms))


@pytest.mark.parametrize(
    "change", [{"currency": "eur"}, {"currency": "EURO"}, {"id": ""}, {"title": "x" * 201}, {"id": 5}]
)
def test_an_offer_without_a_proper_name_is_refused(change):
    with pytest.raises(errors.OfferMalformed):
        offer_of(raw(FLAT) | change)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 20_000, b'"' + b"x" * 20_000 + b'"'])
def test_bytes_that_are_no_offer_are_refused(data):
    with pytest.raises(errors.OfferMalformed):
        offer_parse(data)


def test_an_offer_s_hash_does_not_depend_on_the_order_of_its_json():
    one = offer_parse(json.dumps(raw(NIGHT)).encode())
    other = offer_parse(json.dumps(dict(reversed(raw(NIGHT).items()))).encode())
    assert offer_hash(one) == offer_hash(other)
    assert offer_hash(one) != offer_hash(offer_of(raw(NIGHT, "b")))


# Forecasts.


def test_loads_below_nothing_count_as_nothing_and_rows_of_an_hour_become_their_mean():
    assert load([-0.5, 1.2344]).values.tolist() == [0, 1234]
    times = MONDAY_MS + np.arange(24, dtype=np.int64) * 5 * 60_000
    found = forecast_of("occupancy", times, np.repeat([0.2, 0.8], 12), 0)
    assert found.values.tolist() == [200, 800]
    assert found.hours == 2


@pytest.mark.parametrize(
    ("task", "times", "values", "offset"),
    [
        ("next_hour_load", [], [], 0),
        ("next_hour_load", [0], [np.nan], 0),
        ("next_hour_load", [0, 0], [1.0, 1.0], 0),
        ("next_hour_load", [1], [1.0], 0),
        ("next_hour_load", [0], [1.0], 900),
        ("weather", [0], [1.0], 0),
        ("comfort", [0], [1.0, 2.0], 0),
    ],
)
def test_what_is_no_prediction_is_refused(task, times, values, offset):
    with pytest.raises(errors.ForecastInvalid):
        forecast_of(task, np.array(times, dtype=np.int64), np.array(values), offset)


def test_a_setback_needs_the_cost_of_heating():
    with pytest.raises(errors.OfferUnfit):
        score(chances("occupancy", [0.1] * 24), offer_of(raw(SETBACK)))


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_rounding_is_to_the_nearest_half_away_from_nothing(number, by):
    found = rounded(number, by)
    assert 2 * abs(found * by - number) <= by
    assert rounded(-number, by) == -found


def test_a_year_has_8760_hours():
    assert year_of(24, 24) == 8760
