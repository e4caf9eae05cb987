"""``manage.py fl simulate``: by its words, on made-up homes and on the recorded ones."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.pure.fedlearn.learners import world


def simulate(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("fl", "simulate", "--json", *words, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return found


def real(*words: str) -> dict[str, Any]:
    if not (world.data_folder() / world.HOMES_FILE).is_file():
        pytest.skip(f"requires_real_data: no data in {world.data_folder()}")
    return simulate("--data", str(world.data_folder()), *words)


def test_made_up_homes_learn_together_and_say_what_it_cost() -> None:
    found = simulate("--homes", "7", "--rounds", "8")
    assert (found["homes"], found["rounds"], found["dropouts"], found["state"]) == (5, 8, 0, "completed")
    assert found["federated"] > found["baseline"]
    assert found["bytes_per_home_round"] > 500


def test_one_seed_gives_the_same_figures_again() -> None:
    words = ("--homes", "6", "--rounds", "3", "--dropout", "0.2", "--seed", "5")
    assert simulate(*words) == simulate(*words)


def test_recorded_homes_learn_as_well_as_pooled_rows_and_better_than_guessing() -> None:
    found = real()
    assert (found["homes"], found["metric"]) == (8, "r2")
    assert found["pooled"] - found["federated"] < 0.02
    assert found["federated"] > found["baseline"]
    assert found["federated_unseen"] > found["mean_local_unseen"]


def test_the_recorded_room_in_blocks_of_one_class_too_learns_as_well_as_pooled_rows() -> None:
    found = real("--task", "occupancy", "--homes", "20", "--rate", "0.05", "--rounds", "20")
    assert found["metric"] == "auc"
    assert found["pooled"] - found["federated"] < 0.01


def test_a_scaled_attack_of_one_home_is_bounded_by_clipping() -> None:
    honest, spoilt = real(), real("--attackers", "1", "--attack", "scaled")
    assert honest["federated"] - spoilt["federated"] < 0.15


def test_homes_that_all_fall_silent_fail_the_job_with_its_reason() -> None:
    with pytest.raises(CommandError, match="round_too_few_participants"):
        simulate("--homes", "6", "--rounds", "2", "--dropout", "1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--homes", "3"), "at least five homes"),
        (("--rounds", "0"), "rounds must be from"),
        (("--task", "comfort", "--data", "/nowhere"), "no real data for this task"),
        (("--data", "/nowhere"), "There is no homes_energy.csv"),
        (("--family", "logistic"), "can't learn"),
    ],
)
def test_words_that_make_no_sense_are_explained(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        simulate(*words)
