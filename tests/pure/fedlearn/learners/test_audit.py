"""Attackers, audits and the card: measured, and nothing claimed beyond the measurement."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from fedlearn.learners.attacks import Attack, attackers_of
from fedlearn.learners.audit import (
    AttackTrial,
    MembershipAudit,
    attack_trials,
    likelihood_auc,
    membership_audit,
    threshold_auc,
)
from fedlearn.learners.card import Figures, card_build, card_check, card_decode, card_encode, card_hash
from fedlearn.learners.errors import AttackInvalid, CardInvalid, MeasureInvalid
from fedlearn.learners.plan import Hyper, Privacy
from fedlearn.learners.rehearsal import Conditions, rehearse
from fedlearn.learners.table import Table
from fedlearn.learners.templates import template
from tests.pure.fedlearn.learners.world import plan_of

PLAN = plan_of("next_hour_load", "linear", rounds=3, cohort=24, group_size=8)


def mocks(count: int, task: str = "next_hour_load") -> list[Table]:
    return [template(task).mock(np.random.default_rng(seed)) for seed in range(count)]


# Attackers.


def test_attackers_do_what_their_name_says_and_others_do_not():
    honest, labels = np.array([1.0, -2.0]), np.array([1.0, 2.0, 6.0])
    assert Attack("sign_flip", frozenset({1})).update(1, honest).tolist() == [-1.0, 2.0]
    assert Attack("scaled", frozenset({1}), 5.0).update(1, honest).tolist() == [-5.0, 10.0]
    flip = Attack("label_flip", frozenset({1}))
    assert flip.update(1, honest).tolist() == honest.tolist()
    assert flip.labels(1, labels, binary=False).tolist() == [5.0, 4.0, 0.0]
    assert flip.labels(1, np.array([0.0, 1.0]), binary=True).tolist() == [1.0, 0.0]
    for kind in ("label_flip", "sign_flip", "scaled"):
        assert (Attack(kind, frozenset({1})).update(0, honest) == honest).all()
        assert (Attack(kind, frozenset({1})).labels(0, labels, binary=False) == labels).all()


def test_so_many_per_cent_are_rounded_up():
    assert [len(attackers_of(96, share)) for share in (0, 1, 5, 20, 100)] == [0, 1, 5, 20, 96]
    assert attackers_of(40, 10) == {0, 10, 20, 30}
    for wrong in (
        lambda: attackers_of(10, 101),
        lambda: Attack("noise", frozenset()),
        lambda: Attack("scaled", frozenset(), 0),
    ):
        with pytest.raises(AttackInvalid):
            wrong()


def test_clipping_bounds_what_one_scaled_update_moves():
    homes = mocks(10)
    plan = msgspec.structs.replace(PLAN, group_size=0, rounds=1, clip_micro=50_000)
    attack = Attack("scaled", frozenset({0}), 1e6)
    honest = rehearse(plan, homes, np.random.default_rng(1)).parameters
    clipped = rehearse(plan, homes, np.random.default_rng(1), Conditions(attack=attack)).parameters
    free = rehearse(plan, homes, np.random.default_rng(1), Conditions(attack=attack, clip=False)).parameters
    assert np.linalg.norm(clipped - honest) <= 2 * plan.clip_norm / len(homes) + 1e-12
    assert np.linalg.norm(free - honest) > 100


def test_the_trimmed_mean_of_groups_takes_one_attacker_s_group_out():
    homes = mocks(24)
    attack = Attack("scaled", frozenset({0}), 1e6)
    found = rehearse(PLAN, homes, np.random.default_rng(1), Conditions(attack=attack, clip=False)).parameters
    assert np.abs(found).max() < 2


def test_a_trial_measures_both_worlds_with_the_same_seed():
    homes, unseen = mocks(24), mocks(25)[24]
    trials = attack_trials(PLAN, homes, unseen, [("scaled", 5, "none"), ("scaled", 5, "clip+groups")], 1)
    assert [entry.defence for entry in trials] == ["none", "clip+groups"]
    nobody = attack_trials(PLAN, homes, unseen, [("scaled", 0, "clip")], 1)[0]
    assert nobody.honest == nobody.attacked
    assert nobody.loss == 0.0
    with pytest.raises(MeasureInvalid):
        attack_trials(msgspec.structs.replace(PLAN, group_size=0), homes, unseen, [("scaled", 5, "clip+groups")], 1)
    with pytest.raises(MeasureInvalid):
        attack_trials(PLAN, homes, unseen, [("scaled", 5, "prayer")], 1)


# Rehearsal.


def test_two_rehearsals_with_one_seed_are_equal_and_dropouts_are_counted():
    homes = mocks(10)
    plan = msgspec.structs.replace(PLAN, group_size=0, scaling="statistics")
    conditions = Conditions(noise_multiplier=0.1, dropout=0.3)
    first, second = (rehearse(plan, homes, np.random.default_rng(5), conditions) for _ in range(2))
    assert (first.parameters == second.parameters).all()
    assert first.scaler == second.scaler
    assert min(first.survivors) < 10


def test_a_round_under_the_minimum_changes_nothing():
    plan = msgspec.structs.replace(PLAN, group_size=0, minimum=10)
    found = rehearse(plan, mocks(10), np.random.default_rng(5), Conditions(dropout=1.0))
    assert not found.parameters.any()
    assert found.survivors == (0, 0, 0)


# Membership.


def losses_of(gap: float, models: int = 16, homes: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Losses that differ from home to home and are lower by ``gap`` standard deviations for members."""
    dice = np.random.default_rng(2)
    inside = np.array([dice.permutation(homes) < homes // 2 for _ in range(models)])
    logs = dice.normal(0, 2, homes) + dice.normal(0, 0.3, inside.shape) - gap * 0.3 * inside
    return np.exp(logs), inside


def test_without_a_difference_both_attacks_are_guessing():
    losses, inside = losses_of(0.0, models=6, homes=2000)
    assert threshold_auc(losses, inside) == pytest.approx(0.5, abs=0.02)
    # With few models, one that looked at its own target would see a difference where there is none.
    assert likelihood_auc(losses, inside) == pytest.approx(0.5, abs=0.02)


def test_the_likelihood_attack_sees_what_the_threshold_does_not():
    losses, inside = losses_of(2.0)
    assert likelihood_auc(losses, inside) > 0.85
    assert threshold_auc(losses, inside) < 0.65


def test_a_model_that_learns_its_few_rows_by_heart_gives_its_members_away():
    dice = np.random.default_rng(1)
    task = template("next_hour_load")
    homes = [
        Table(dice.normal(size=(6, len(task.features))), dice.normal(size=6), np.arange(6), np.zeros(6), task.names)
        for _ in range(12)
    ]
    plan = plan_of("next_hour_load", "mlp", hyper=Hyper(100_000, 0, (32,)), rounds=30, epochs=5, clip_micro=10**9)
    found = membership_audit(plan, homes, np.random.default_rng(1), 8)
    assert found.threshold_auc > 0.75
    assert (found.models, found.homes) == (8, 12)


def test_what_cant_be_audited_is_refused():
    losses, inside = losses_of(0.0)
    for wrong in (losses[:2], -losses, losses * np.nan):
        with pytest.raises(MeasureInvalid):
            likelihood_auc(wrong, inside[: len(wrong)])
    with pytest.raises(MeasureInvalid):
        threshold_auc(losses, np.ones_like(inside))
    with pytest.raises(MeasureInvalid):
        membership_audit(PLAN, mocks(3), np.random.default_rng(1))


# The card.

FIGURES = Figures(homes=2, rows=8000, model={"r2": 0.57}, baselines={"persistence": {"r2": 0.46}})
TRIALS = [AttackTrial("scaled", 5, "clip", "r2", 0.57, 0.56), AttackTrial("scaled", 20, "clip", "r2", 0.57, 0.41)]


def card(**changes: object):
    values = {"rounds": 3, "participants": 24, "held_out": FIGURES, "attacks": TRIALS}
    return card_build(PLAN, b"\1" * 32, **(values | changes))


def test_a_card_claims_a_defence_only_where_it_was_measured_to_hold():
    found = card(membership=MembershipAudit(0.5, 0.6, 16, 24))
    assert [entry.holds for entry in found.attacks] == [True, False]
    assert found.limits == ("figures_of_held_out_homes_only", "no_privacy_bound", "some_attacks_not_withstood")
    assert found.membership.likelihood_auc == 0.6


def test_what_was_not_measured_is_said():
    assert card(attacks=()).limits == (
        "figures_of_held_out_homes_only",
        "no_privacy_bound",
        "membership_not_measured",
        "attacks_not_measured",
    )


def test_epsilon_stands_in_the_card_of_a_private_plan_and_only_there():
    private = msgspec.structs.replace(PLAN, privacy=Privacy(8_000_000, 10), scaling="statistics")
    found = card_build(private, b"\1" * 32, rounds=3, participants=24, held_out=FIGURES, epsilon=7.5)
    assert (found.privacy.epsilon, found.privacy.delta, found.privacy.releases) == (7.5, 1e-5, 4)
    assert "no_privacy_bound" not in found.limits
    with pytest.raises(CardInvalid):
        card(epsilon=1.0)
    with pytest.raises(CardInvalid):
        card_build(private, b"\1" * 32, rounds=3, participants=24, held_out=FIGURES)


def test_a_card_comes_back_from_its_bytes():
    found = card()
    assert card_decode(card_encode(found)) == found
    assert card_hash(found) == card_hash(card_decode(card_encode(found)))


def test_a_card_that_claims_more_than_its_measurements_show_is_refused():
    found = card()
    liar = msgspec.structs.replace(found.attacks[1], holds=True)
    for change in (
        {"attacks": (found.attacks[0], liar)},
        {"tolerance": 0.5},
        {"limits": ()},
        {"held_out": msgspec.structs.replace(FIGURES, baselines={})},
        {"held_out": msgspec.structs.replace(FIGURES, model={"r2": float("nan")})},
        {"held_out": msgspec.structs.replace(FIGURES, homes=0)},
    ):
        with pytest.raises(CardInvalid):
            card_check(msgspec.structs.replace(found, **change))
    for data in (b"", b"{}", card_encode(found)[:-1]):
        with pytest.raises(CardInvalid):
            card_decode(data)
