"""Rules and places: only what the catalogue allows is a rule, and only the grid is a place."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from households.privacy.classes import UnknownQuantity
from households.privacy.levels import (
    Level,
    PlaceInvalid,
    RuleInvalid,
    cell_check,
    cell_of,
    rule_check,
    rule_decode,
    rule_encode,
    rule_for,
)

RULE = rule_for("climate", "temperature", "coarse", noise_steps=3, low=-1000, high=4000)


def test_a_rule_holds_every_number_it_needs():
    assert (RULE.bucket_s, RULE.step, RULE.low, RULE.high, RULE.noise_steps) == (3600, 50, -1000, 4000, 3)
    assert rule_decode(rule_encode(RULE)) == RULE


def test_a_device_can_narrow_the_range_of_its_class_and_not_widen_it():
    wide = rule_for("climate", "temperature", "exact", low=-99_999, high=99_999)
    assert (wide.low, wide.high) == (-2000, 6000)
    with pytest.raises(RuleInvalid):
        rule_for("climate", "temperature", "exact", low=6000)


@pytest.mark.parametrize(
    "change", [{"bucket_s": 60}, {"step": 1}, {"level": "exact"}, {"high": 9000}, {"quantity": "power"}, {"level": "x"}]
)
def test_a_rule_finer_than_its_level_is_refused(change):
    altered = msgspec.structs.replace(RULE, **change)
    with pytest.raises(RuleInvalid):
        rule_check(altered)
    with pytest.raises(RuleInvalid):
        rule_decode(rule_encode(altered))


def test_bytes_that_are_no_rule_are_refused():
    for data in (b"", b"\x90", rule_encode(RULE) + b"\x00"):
        with pytest.raises(RuleInvalid):
            rule_decode(data)


@pytest.mark.parametrize("level, noise", [("finest", 0), ("", 0), ("coarse", -1), ("coarse", 10_001)])
def test_levels_and_noise_that_are_none_are_refused(level, noise):
    with pytest.raises(RuleInvalid):
        rule_for("climate", "temperature", level, noise_steps=noise)
    with pytest.raises(UnknownQuantity):
        rule_for("climate", "names", "coarse")


@given(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000), st.sampled_from(list(Level)))
def test_a_cell_is_of_the_grid_and_holds_its_place(latitude, longitude, level):
    cell = cell_check(cell_of(latitude, longitude, level))
    size, row, column = (int(part) for part in cell[1:].split(":"))
    assert 0 <= latitude - row * size * 10_000 < size * 10_000
    assert 0 <= longitude - column * size * 10_000 < size * 10_000


def test_a_coarser_level_has_a_larger_cell():
    cells = [cell_of(34_092_000, -117_435_000, level) for level in Level]
    assert cells == ["g10:340:-1175", "g10:340:-1175", "g50:68:-235", "g100:34:-118"]


@pytest.mark.parametrize("cell", ["Anna's flat", "12 Elm Street", "", "g10:1", "g11:1:1", "g10:1:1 ", "192.168.0.7"])
def test_words_are_no_cell(cell):
    with pytest.raises(PlaceInvalid):
        cell_check(cell)
    with pytest.raises(PlaceInvalid):
        cell_of(91_000_000, 0, "exact")


def test_a_home_without_a_place_is_nowhere():
    assert cell_check("nowhere") == "nowhere"
