"""The calls that enterprises and hubs build for training are those that the contracts take; and the fixed vectors."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from chain.contracts.crossing import (
    JobEnd,
    job_id_of,
    participant_leaf,
    service_escrow_id_of,
    service_order_id_of,
    share_leaf,
    training_order_id_of,
)
from chain.contracts.market.training_rows import TRAININGS, AcceptTraining, TrainingRow
from chain.contracts.service_models.rows import service_id_of, version_id_of
from chain.core.merkle import EMPTY_ROOT
from chain.crypto.hashing import sha256
from chain.exchange.learning import BonusShares, Participants, training_fundings
from tests.pure.chain.contracts.receipts import (
    MODELS_ID,
    NONCE,
    PLAN,
    job_of,
    order_of,
    receipt,
    round_args,
    shared_trusting,
    update_of,
)
from tests.pure.chain.contracts.steps import accredit, listed, lot_row
from tests.pure.chain.contracts.world import T0, World, make_lot

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "training.json").read_text())
JOB = job_of("acme")


def test_fundings_and_releases_of_many_lots_come_in_calls_of_64() -> None:
    world = World(shared_trusting())
    accredit(world, "acme", amount=10_000)
    lots = [make_lot(f"lot{number}", licence_kind="training", price=20) for number in range(66)]
    for lot in lots:
        listed(world, lot)
    lot_rows = [lot_row(world, lot) for lot in lots]
    terms: dict[str, Any] = {"plan": PLAN, "nonce": NONCE, "rounds": 2, "deadline_ms": T0 + 10**8, "bonus": 50}
    calls = training_fundings(lot_rows, **terms)
    assert [(len(each.lines), each.bonus) for each in calls] == [(64, 50), (2, 0)]
    for each in calls:
        world.call("acme", "market.fund_training", each)
    orders = [order_of("acme", lot) for lot in lots]
    for lot, order in zip(lots, orders, strict=True):
        world.call(lot.payee, "market.accept_training", AcceptTraining(order))
    here = Participants({order: update_of(order, 1) for order in orders})
    args = round_args(JOB, 1, orders, root=here.root, leaf_count=len(here))
    releases = here.releases(receipt(MODELS_ID, "acme", "service_models.round", args))
    assert [len(each.claims) for each in releases] == [64, 2]
    for each in releases:
        world.call("anyone", "market.release_round", each)
    assert {row.released for _, row in world.state.scan(TRAININGS)} == {10}
    shares = BonusShares.of_groups([0.03, -0.01, 0.01], [orders[:8], orders[8:16], orders[16:20]])
    assert len(shares) == 12 and sum(shares.weights_micro.values()) <= 1_000_000
    end = JobEnd(JOB, "completed", "", shares.root, len(shares))
    for claim in shares.claims(receipt(MODELS_ID, "acme", "service_models.job_end", end)):
        world.call("anyone", "market.claim_bonus", claim)
    assert world.balance(lots[0].payee) == 10 + 50 * 93_750 // 1_000_000


def test_nobody_has_a_share_when_no_group_helped() -> None:
    shares = BonusShares.of_groups([0.0, -1.0], [[sha256(b"a")], [sha256(b"b")]])
    assert (len(shares), shares.root) == (0, EMPTY_ROOT)
    with pytest.raises(ValueError, match="one value"):
        BonusShares.of_groups([1.0], [])


def test_who_is_not_in_the_sum_has_no_claim() -> None:
    with pytest.raises(KeyError):
        Participants({sha256(b"a"): sha256(b"u")}).claim(sha256(b"b"))


def h(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize("case", VECTORS["ids"], ids=lambda case: case["name"])
def test_ids_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    made = {
        "job": lambda a: job_id_of(h(a["enterprise"]), h(a["plan"]), h(a["nonce"])),
        "training_order": lambda a: training_order_id_of(h(a["job"]), h(a["lot"])),
        "service": lambda a: service_id_of(a["name"]),
        "version": lambda a: version_id_of(h(a["job"]), a["number"], h(a["parameters"])),
        "service_order": lambda a: service_order_id_of(
            h(a["household"]), h(a["version"]), h(a["offer"]), h(a["nonce"])
        ),
        "service_escrow": lambda a: service_escrow_id_of(h(a["payer"]), h(a["service_order"])),
        "participant_leaf": lambda a: participant_leaf(h(a["order"]), h(a["update"])),
        "share_leaf": lambda a: share_leaf(h(a["order"]), a["weight_micro"]),
    }[case["name"]](case["arguments"])
    assert made.hex() == case["result"]


@pytest.mark.parametrize("case", VECTORS["shares"], ids=lambda case: f"{case['price']} over {case['rounds']}")
def test_shares_and_fees_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    row = TrainingRow(
        *(bytes(32),) * 3, bytes(20), bytes(33), bytes(20), bytes(33), case["price"], case["fee"], bytes(32),
        case["rounds"], "ACCEPTED", 0, 0, 0,
    )  # fmt: skip
    released = [row.released_after(count) for count in range(case["rounds"] + 1)]
    assert [after - before for before, after in itertools.pairwise(released)] == case["shares"]
    assert [row.fee_within(each) for each in released[1:]] == case["fees_so_far"]


@pytest.mark.parametrize("case", VECTORS["participants"], ids=lambda case: f"{len(case['updates'])} orders")
def test_roots_and_paths_of_rounds_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    here = Participants({h(order): h(update) for order, update in case["updates"].items()})
    assert here.root.hex() == case["root"]
    for order, (index, path) in case["paths"].items():
        claim = here.claim(h(order))
        assert (claim.index, [each.hex() for each in claim.path]) == (index, path)
