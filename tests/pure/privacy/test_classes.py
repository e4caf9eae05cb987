"""The catalogue: every class is complete, and decimals become the same integers everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from households.privacy.classes import (
    DEVICE_CLASSES,
    TEMPERATURE,
    NotANumber,
    UnknownClass,
    UnknownQuantity,
    device_class,
    fixed_text,
    quantity_of,
    to_fixed,
    to_text,
)
from households.privacy.levels import Level, columns_of, model_class, rule_for
from households.privacy.risk import HABIT_POINTS

ALL = [(entry.name, quantity.name) for entry in DEVICE_CLASSES.values() for quantity in entry.quantities]


@pytest.mark.parametrize("class_name, quantity_name", ALL)
def test_every_quantity_has_a_range_levels_columns_and_risk(class_name, quantity_name):
    quantity = quantity_of(class_name, quantity_name)
    assert quantity.low < quantity.high and quantity.step_s > 0
    rules = [rule_for(class_name, quantity_name, level) for level in Level]
    assert [rule.bucket_s for rule in rules] == sorted(rule.bucket_s for rule in rules)
    assert [rule.step for rule in rules] == sorted(rule.step for rule in rules)
    assert columns_of(rules[0])[1].name == quantity_name
    assert HABIT_POINTS[quantity_name] > 0
    assert model_class(class_name) in {"sensor", "meter", "inverter", "storage"}


@pytest.mark.parametrize(
    "value, fixed",
    [("24.94", 2494), (24.94, 2494), (0.005, 1), (-0.005, -1), (0.0049, 0), (25, 2500), ("1e1", 1000), (1e-9, 0)],
)
def test_decimals_become_fixed_point_halves_away_from_zero(value, fixed):
    assert to_fixed(TEMPERATURE, value) == fixed


@given(st.integers(-(10**9), 10**9), st.integers(0, 9))
def test_fixed_point_texts_are_exact(fixed, decimals):
    text = fixed_text(fixed, decimals)
    assert int(text.replace(".", "")) == fixed
    assert len(text.partition(".")[2]) == decimals


def test_a_text_reads_back():
    assert to_text(TEMPERATURE, to_fixed(TEMPERATURE, "-0.07")) == "-0.07"


@pytest.mark.parametrize("value", ["nan", float("inf"), "warm", "", "1e40"])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(NotANumber):
        to_fixed(TEMPERATURE, value)


def test_what_the_catalogue_lacks_has_its_own_refusals():
    with pytest.raises(UnknownClass):
        device_class("toaster")
    with pytest.raises(UnknownQuantity):
        quantity_of("climate", "power")
    with pytest.raises(UnknownClass):
        model_class("Anna's sensor")
