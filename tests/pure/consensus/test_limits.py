"""Limits that an owner tunes: the same for all voters, never beyond their bounds, part of what is voted on."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core.codec import decode, encode
from households.consensus.batch import BatchTerms, terms_parse
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.errors import BatchIncomplete, LimitOutOfBounds, LimitsDisordered, LimitUnknown
from households.consensus.limits import TUNABLES, Limit, limits_apply, limits_check, limits_new
from households.consensus.tally import APPROVED
from households.privacy.classes import quantity_of
from tests.pure.consensus.simulator import SimHome, room_curve, times_of
from tests.pure.consensus.test_quorums import READINGS

FREEZER_C = -28


def shifted(home: SimHome, by: int) -> list[bytes]:
    """Readings of all devices, those of the last one shifted by so many hundredths of a degree."""
    times = times_of(READINGS)
    last = home.devices[-1]
    return [
        raw
        for number, device in enumerate(home.devices)
        for raw in device.segments(
            "temperature", times, [v + (by if device is last else 0) for v in room_curve(times, seed=number)]
        )
    ]


def test_without_tuned_limits_nothing_differs() -> None:
    assert limits_new({}) == () and limits_apply(()) == DEFAULT_CONFIG
    assert limits_new({name: entry.default for name, entry in TUNABLES.items()}) == ()


@given(st.data())
def test_whatever_lies_within_the_bounds_is_what_the_checks_use(data: st.DataObject) -> None:
    names = data.draw(
        st.lists(st.sampled_from([n for n in TUNABLES if not n.endswith((".low", ".high"))]), unique=True)
    )
    values = {name: data.draw(st.integers(TUNABLES[name].lowest, TUNABLES[name].highest)) for name in names}
    config = limits_apply(limits_new(values))
    for name, value in values.items():
        scope, _, what = name.rpartition(".")
        if scope == "home":
            used = getattr(config, what)
        elif "." in scope:
            used = config.believable(scope.split(".")[0], quantity_of(*scope.split("."))).rate_per_min
        else:
            used = getattr(config.cross_limit(scope), what)
        assert used == value


@pytest.mark.parametrize("name", TUNABLES)
@pytest.mark.parametrize("end", ["lowest", "highest"])
def test_no_limit_goes_beyond_its_bounds(name: str, end: str) -> None:
    beyond = getattr(TUNABLES[name], end) + (1 if end == "highest" else -1)
    with pytest.raises(LimitOutOfBounds):
        limits_new({name: beyond})


@pytest.mark.parametrize("name", TUNABLES)
def test_the_bounds_lie_around_the_default(name: str) -> None:
    entry = TUNABLES[name]
    assert entry.lowest <= entry.default <= entry.highest and entry.lowest < entry.highest
    assert entry.looser(entry.highest) == (entry.loose_up and entry.highest > entry.default)


def test_a_range_keeps_its_ends_in_order() -> None:
    with pytest.raises(LimitOutOfBounds):
        limits_new({"climate.temperature.low": 3000, "climate.temperature.high": 2000})


def test_limits_have_one_form_only() -> None:
    level, drift = Limit("temperature.level", 4000), Limit("temperature.drift", 900)
    limits_check((drift, level))
    for wrong in ((level, drift), (level, level), (Limit("temperature.level", 3000),)):
        with pytest.raises(LimitsDisordered):
            limits_check(wrong)
    with pytest.raises(LimitUnknown):
        limits_check((Limit("copy_bits", 10_000),))


@pytest.mark.parametrize(("level", "passes"), [(3_000, False), (6_000, True)])
def test_voters_judge_by_the_distance_that_the_owner_set(level: int, passes: bool) -> None:
    home = SimHome(["climate"] * 4)
    outcome = home.close(shifted(home, 450), limits=limits_new({"temperature.level": level}))
    by_device = {entry.device_id: entry.status for entry in outcome.series}
    assert (by_device[home.devices[-1].device_id] == APPROVED) == passes
    assert sum(status == APPROVED for status in by_device.values()) == (4 if passes else 3)


def test_a_freezer_is_believed_once_its_range_is_widened() -> None:
    for limits, status in ((), "rejected"), (limits_new({"climate.temperature.low": -40_00}), APPROVED):
        home = SimHome(["climate"])
        times = times_of(READINGS)
        values = [value - 2100 + FREEZER_C * 100 for value in room_curve(times, seed=1)]
        outcome = home.close(home.devices[0].segments("temperature", times, values), limits=limits)
        assert [entry.status for entry in outcome.series] == [status]


def test_a_stricter_rate_rejects_what_the_default_believes() -> None:
    times = times_of(READINGS)
    for limits, status in ((), APPROVED), (limits_new({"climate.temperature.rate_per_min": 50}), "rejected"):
        home = SimHome(["climate"])
        values = [2100 + (120 if place % 60 == 30 else 0) + place % 7 for place in range(READINGS)]
        outcome = home.close(home.devices[0].segments("temperature", times, values), limits=limits)
        assert [entry.status for entry in outcome.series] == [status]


def test_a_hub_can_not_tell_one_voter_other_limits_than_the_rest() -> None:
    home = SimHome(["climate"] * 4)
    proposal, batch = home.propose_batch(shifted(home, 450))
    looser = msgspec.structs.replace(batch.terms, limits=limits_new({"temperature.level": 6_000}))
    with pytest.raises(BatchIncomplete):
        home.devices[0].voter.vote(proposal, msgspec.structs.replace(batch, terms=looser))
    assert home.devices[0].voter.vote(proposal, batch)


def test_a_voter_signs_nothing_for_terms_beyond_the_bounds() -> None:
    home = SimHome(["climate"] * 4)
    proposal, batch = home.propose_batch(shifted(home, 0), limits=(Limit("temperature.level", 10**6),))
    with pytest.raises(LimitOutOfBounds):
        home.devices[0].voter.vote(proposal, batch)
    with pytest.raises(LimitOutOfBounds):
        terms_parse(encode(batch.terms))
    assert decode(BatchTerms, encode(batch.terms)) == batch.terms
