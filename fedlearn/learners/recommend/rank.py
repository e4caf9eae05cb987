"""From offers and a prediction to a ranked list; what can't be scored is told with its code and harms no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fedlearn.learners.errors import CurrenciesDiffer, OfferInvalid, OfferRepeated
from fedlearn.learners.recommend.forecast import Forecast
from fedlearn.learners.recommend.offers import Offer, offer_check, offer_of
from fedlearn.learners.recommend.score import Scored, score


@dataclass(frozen=True, slots=True)
class Refused:
    """An offer that was left out: its place in the list, its id if it has a readable one, and the refusal's code."""

    place: int
    id: str
    code: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The offers, best first, and those that could not be scored."""

    ranked: tuple[Scored, ...]
    refused: tuple[Refused, ...]


def recommend(
    forecast: Forecast,
    raw_offers: Iterable[Any],
    *,
    present: Offer | None = None,
    heating_year_micro: int | None = None,
) -> Recommendation:
    """Rank offers (decoded JSON) for this home.

    Tariffs are ranked by their cost in a year, setbacks by what they save, comfort by the hours avoided and then by
    price; equals by id. All must have the currency of ``present`` or, without one, of the first that is usable.
    ``present`` is the home's tariff now. Raises what ``offer_check`` raises for ``present``.
    """
    if present is not None:
        offer_check(present)
    currency = present.currency if present else ""
    scored: list[Scored] = []
    refused: list[Refused] = []
    for place, raw in enumerate(raw_offers):
        try:
            offer = _admitted(raw, currency, scored)
            scored.append(score(forecast, offer, present=present, heating_year_micro=heating_year_micro))
            currency = currency or offer.currency
        except OfferInvalid as fault:
            refused.append(Refused(place, _id_of(raw), fault.code))
    ranked = sorted(scored, key=lambda entry: (-entry.benefit_year, entry.cost_year_micro, entry.offer.id))
    return Recommendation(tuple(ranked), tuple(refused))


def _admitted(raw: Any, currency: str, scored: Sequence[Scored]) -> Offer:
    offer = offer_of(raw)
    if currency and offer.currency != currency:
        raise CurrenciesDiffer
    if any(entry.offer.id == offer.id for entry in scored):
        raise OfferRepeated
    return offer


def _id_of(raw: Any) -> str:
    found = raw.get("id") if isinstance(raw, dict) else None
    return found[:64] if isinstance(found, str) else ""
