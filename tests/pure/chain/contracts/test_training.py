"""Training licences on the shared ledger: paid into escrow, accepted, released by proven rounds, and always ended."""

from __future__ import annotations

import msgspec
import pytest

from chain.contracts.credits import Transfer
from chain.contracts.crossing import FundTraining, JobEnd, TrainingLine, share_leaf, training_order_id_of
from chain.contracts.market import pending
from chain.contracts.market.rows import Reprice, Unlist
from chain.contracts.market.training import training_totals
from chain.contracts.market.training_rows import (
    POOLS,
    TRAININGS,
    AcceptTraining,
    BonusClaim,
    ClaimBonus,
    CloseTraining,
    DeclineTraining,
    EndPool,
    EndTraining,
    ExpireTraining,
    ReleaseRound,
    TrainingRow,
)
from chain.core.merkle import EMPTY_ROOT, leaf_hash, path, root
from chain.core.proofs import TxProof
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.receipts import (
    MODELS_ID,
    NONCE,
    PLAN,
    aborted_args,
    claim,
    job_of,
    line,
    order_of,
    receipt,
    round_args,
    shared_trusting,
)
from tests.pure.chain.contracts.steps import accredit, listed
from tests.pure.chain.contracts.world import OPERATOR, T0, TestLot, World, address, make_lot

HOUR_MS = 3_600_000
CLAIM_MS = 5_000
DEADLINE = T0 + HOUR_MS
JOB = job_of("acme")


@pytest.fixture
def world() -> World:
    world = World(shared_trusting(claim_ms=CLAIM_MS))
    accredit(world, "acme", "bolt")
    return world


@pytest.fixture
def lots(world: World) -> list[TestLot]:
    return [listed(world, make_lot(name, licence_kind="training", price=103)) for name in ("a", "b")]


def funding(*lots: TestLot, rounds: int = 4, bonus: int = 0, deadline_ms: int = DEADLINE) -> FundTraining:
    return FundTraining(PLAN, NONCE, rounds, tuple(line(lot) for lot in lots), deadline_ms, bonus)


def fund(world: World, *lots: TestLot, rounds: int = 4, bonus: int = 0) -> list[bytes]:
    world.call("acme", "market.fund_training", funding(*lots, rounds=rounds, bonus=bonus))
    return [order_of("acme", lot) for lot in lots]


def accepted(world: World, *lots: TestLot, rounds: int = 4, bonus: int = 0) -> list[bytes]:
    orders = fund(world, *lots, rounds=rounds, bonus=bonus)
    for lot, order in zip(lots, orders, strict=True):
        world.call(lot.payee, "market.accept_training", AcceptTraining(order))
    return orders


def row(world: World, order: bytes) -> TrainingRow:
    found = world.state.get(TRAININGS, order)
    assert found is not None
    return found


def round_receipt(number: int, orders: list[bytes], **changes: object) -> TxProof:
    return receipt(MODELS_ID, "acme", "service_models.round", round_args(JOB, number, orders, **changes))


def release(number: int, orders: list[bytes], *claimed: bytes) -> ReleaseRound:
    claims = tuple(claim(number, orders, order) for order in claimed or orders)
    return ReleaseRound(round_receipt(number, orders), claims)


def end_receipt(outcome: str = "failed", weights: dict[bytes, int] | None = None, job: bytes = JOB) -> TxProof:
    leaves = [leaf_hash(share_leaf(order, weight)) for order, weight in (weights or {}).items()]
    reason = "" if outcome == "completed" else "stopped"
    args = JobEnd(job, outcome, reason, root(leaves) if leaves else EMPTY_ROOT, len(leaves))  # type: ignore[arg-type]
    return receipt(MODELS_ID, "acme", "service_models.job_end", args)


def bonus_claims(weights: dict[bytes, int], *orders: bytes) -> ClaimBonus:
    leaves = [leaf_hash(share_leaf(order, weight)) for order, weight in weights.items()]
    index = {order: place for place, order in enumerate(weights)}
    claims = tuple(BonusClaim(each, weights[each], index[each], path(leaves, index[each])) for each in orders)
    return ClaimBonus(end_receipt("completed", weights), claims)


def test_a_job_pays_each_home_by_rounds_and_the_last_share_has_the_remainder(world: World, lots: list[TestLot]) -> None:
    orders = accepted(world, *lots)
    assert (world.balance("acme"), world.escrow()) == (1000 - 206, 206)
    paid = []
    for number in (1, 2, 3, 4):
        before = world.balance(lots[0].payee) + world.balance(OPERATOR)
        world.call("anyone", "market.release_round", release(number, orders, orders[0]))
        paid.append(world.balance(lots[0].payee) + world.balance(OPERATOR) - before)
    assert paid == [25, 25, 25, 28]
    assert (world.balance(lots[0].payee), world.balance(OPERATOR)) == (101, 2), "the fee is that of the whole price"
    assert (row(world, orders[0]).status, row(world, orders[0]).outcome) == ("SETTLED", "all_rounds")
    assert world.escrow() == 103


def test_one_call_funds_up_to_64_lots_and_each_has_an_order_of_its_own(world: World, lots: list[TestLot]) -> None:
    events = world.call("acme", "market.fund_training", funding(*lots))
    assert [event.kind for event in events] == ["training.funded", "training.funded", "credits.moved"]
    assert events[0].subjects[:3] == (order_of("acme", lots[0]), lots[0].lot_id, JOB)
    assert training_order_id_of(JOB, lots[1].lot_id) == events[1].subjects[0]
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(
            msgspec.msgpack.encode(FundTraining(PLAN, NONCE, 1, (line(lots[0]),) * 65, DEADLINE)), type=FundTraining
        )


def test_what_may_not_be_funded_is_refused_and_no_line_of_the_call_is(world: World, lots: list[TestLot]) -> None:
    copy = listed(world, make_lot("c"))
    good = funding(*lots)

    def code(args: FundTraining, buyer: str = "acme") -> str:
        return world.code(buyer, "market.fund_training", args)

    replace = msgspec.structs.replace
    assert code(good, "stranger") == "buyer_not_accredited"
    assert code(funding(lots[0], copy)) == "not_for_training"
    assert code(funding(lots[0], lots[0])) == "line_twice"
    assert code(funding(lots[0], make_lot("never"))) == "lot_unknown"
    assert code(replace(good, lines=(line(lots[0]), line(lots[1], 1)))) == "price_changed"
    assert code(replace(good, lines=(TrainingLine(lots[0].lot_id, sha256(b"?"), 103),))) == "licence_mismatch"
    assert code(replace(good, deadline_ms=world.time_ms + 3000)) == "deadline_invalid"
    assert code(replace(good, deadline_ms=world.time_ms + 367 * 24 * HOUR_MS)) == "deadline_invalid"
    assert code(replace(good, bonus=900)) == "balance_too_low"
    assert (world.balance("acme"), world.escrow()) == (1000, 0)
    world.call(lots[1].payee, "market.unlist", Unlist())
    assert code(good) == "lot_not_listed"
    assert training_totals(world.state).orders == 0
    assert code(funding(lots[0])) == ""
    assert code(funding(lots[0])) == "training_used"


def test_the_payee_accepts_in_time_and_anyone_refunds_later(world: World, lots: list[TestLot]) -> None:
    first, second = fund(world, *lots)
    assert pending(world.state)
    assert world.code("bolt", "market.accept_training", AcceptTraining(first)) == "not_the_payee"
    assert world.code("bolt", "market.expire_training", ExpireTraining((first,))) == "accept_not_passed"
    world.block(row(world, first).accept_until_ms - world.time_ms)
    world.call(lots[0].payee, "market.accept_training", AcceptTraining(first))
    assert world.code(lots[0].payee, "market.accept_training", AcceptTraining(first)) == "training_not_funded"
    world.block()
    assert world.code(lots[1].payee, "market.accept_training", AcceptTraining(second)) == "accept_passed"
    late = DeclineTraining(second, "late")
    assert world.code(lots[1].payee, "market.decline_training", late) == "accept_passed"
    world.call("nobody", "market.expire_training", ExpireTraining((second,)))
    assert world.code("nobody", "market.expire_training", ExpireTraining((second,))) == "training_not_funded"
    assert (row(world, second).status, row(world, second).outcome) == ("REFUNDED", "missed")
    assert (world.balance("acme"), world.escrow()) == (1000 - 103, 103)
    assert not pending(world.state), "a licence in force needs no empty blocks"


def test_a_home_may_decline_or_leave_and_keeps_what_was_released(world: World, lots: list[TestLot]) -> None:
    first, second = fund(world, *lots)
    world.call(lots[1].payee, "market.decline_training", DeclineTraining(second, "no_consent"))
    assert (row(world, second).status, row(world, second).reject_code) == ("REFUNDED", "no_consent")
    world.call(lots[0].payee, "market.accept_training", AcceptTraining(first))
    world.call("anyone", "market.release_round", release(1, [first]))
    world.call(lots[0].payee, "market.decline_training", DeclineTraining(first, "revoked"))
    assert (row(world, first).status, row(world, first).released) == ("ENDED", 25)
    assert world.balance("acme") == 1000 - 25 and world.escrow() == 0
    assert world.code(lots[0].payee, "market.decline_training", DeclineTraining(first, "x")) == "training_over"
    assert world.code("anyone", "market.release_round", release(2, [first])) == "training_not_accepted"


def test_a_round_is_paid_once_for_an_order_whoever_asks_and_how_often(world: World, lots: list[TestLot]) -> None:
    orders = accepted(world, *lots)
    world.call("hub", "market.release_round", release(1, orders, orders[1]))
    world.call("enterprise", "market.release_round", release(1, orders))
    assert [row(world, order).released for order in orders] == [25, 25]
    assert world.code("hub", "market.release_round", release(1, orders)) == "round_paid"
    twice = release(2, orders, orders[0], orders[0])
    assert world.code("hub", "market.release_round", twice) == "line_twice"


def test_rounds_may_be_claimed_in_any_order(world: World, lots: list[TestLot]) -> None:
    (order,) = accepted(world, lots[0])
    for number in (3, 1, 4, 2):
        world.call("hub", "market.release_round", release(number, [order]))
    assert row(world, order).status == "SETTLED" and world.escrow() == 0


def test_only_a_participant_of_a_proven_complete_round_is_paid(world: World, lots: list[TestLot]) -> None:
    orders = accepted(world, *lots)
    code = "hub", "market.release_round"
    own = claim(1, orders, orders[0])
    proof = round_receipt(1, orders)
    replace = msgspec.structs.replace
    assert world.code(*code, ReleaseRound(proof, (replace(own, index=1),))) == "not_a_participant"
    assert world.code(*code, ReleaseRound(proof, (replace(own, update=sha256(b"?")),))) == "not_a_participant"
    assert world.code(*code, ReleaseRound(round_receipt(2, orders), (own,))) == "not_a_participant"
    assert world.code(*code, ReleaseRound(round_receipt(5, orders), (claim(5, orders, orders[0]),))) == (
        "round_beyond_licence"
    )
    stopped = receipt(MODELS_ID, "acme", "service_models.round", aborted_args(JOB, 1))
    assert world.code(*code, ReleaseRound(stopped, (own,))) == "round_not_complete"
    refused = receipt(MODELS_ID, "acme", "service_models.round", round_args(JOB, 1, orders), code="job_over")
    assert world.code(*code, ReleaseRound(refused, (own,))) == "receipt_of_refusal"
    signer = receipt(MODELS_ID, "acme", "service_models.round", round_args(JOB, 1, orders), signers=("thief",), nonce=3)
    assert world.code(*code, ReleaseRound(signer, (own,))) == "receipt_not_proven"
    other = receipt(MODELS_ID, "bolt", "service_models.round", round_args(job_of("bolt"), 1, orders))
    assert world.code(*code, ReleaseRound(other, (own,))) == "job_mismatch"
    posing = receipt(MODELS_ID, "bolt", "service_models.round", round_args(JOB, 1, orders))
    assert world.code(*code, ReleaseRound(posing, (own,))) == "job_mismatch"
    money = receipt(MODELS_ID, "acme", "credits.transfer", Transfer(address("bolt"), 1))
    assert world.code(*code, ReleaseRound(money, (own,))) == "receipt_of_other_call"
    assert world.escrow() == 206


def test_what_no_round_released_goes_back_after_the_time_for_claims(world: World, lots: list[TestLot]) -> None:
    orders = accepted(world, *lots)
    world.call("hub", "market.release_round", release(1, orders))
    world.block(DEADLINE + CLAIM_MS - world.time_ms)
    assert world.code("nobody", "market.end_training", EndTraining(tuple(orders))) == "claims_not_passed"
    world.call("hub", "market.release_round", release(2, orders, orders[0]))
    world.block()
    assert world.code("hub", "market.release_round", release(2, orders, orders[1])) == "claims_passed"
    world.call("nobody", "market.end_training", EndTraining(tuple(orders)))
    assert [row(world, order).released for order in orders] == [50, 25]
    assert (row(world, orders[0]).status, row(world, orders[0]).outcome) == ("ENDED", "deadline")
    assert (world.balance("acme"), world.escrow()) == (1000 - 75, 0)
    assert world.code("nobody", "market.end_training", EndTraining(tuple(orders))) == "training_not_accepted"


def test_a_job_that_is_over_is_closed_by_its_receipt_and_homes_can_still_claim(
    world: World, lots: list[TestLot]
) -> None:
    first, second = fund(world, *lots)
    world.call(lots[0].payee, "market.accept_training", AcceptTraining(first))
    both = (first, second)
    assert world.code("x", "market.close_training", CloseTraining(end_receipt(job=job_of("bolt")), both)) == (
        "job_mismatch"
    )
    world.call("acme", "market.close_training", CloseTraining(end_receipt(), both))
    assert row(world, second).outcome == "job_over"
    assert world.code("x", "market.close_training", CloseTraining(end_receipt(), both)) == "training_over"
    closed_ms = world.time_ms
    world.call("hub", "market.release_round", release(1, [first]))
    world.block(CLAIM_MS)
    world.call("x", "market.close_training", CloseTraining(end_receipt(), (first,)))
    assert row(world, first).deadline_ms == closed_ms, "closing again wins no time"
    world.block()
    world.call("nobody", "market.end_training", EndTraining((first,)))
    assert (world.balance("acme"), world.escrow()) == (1000 - 25, 0)


def test_the_bonus_is_shared_out_by_the_shares_of_the_jobs_end(world: World, lots: list[TestLot]) -> None:
    orders = accepted(world, *lots, bonus=100)
    assert world.escrow() == 306
    world.call("hub", "market.release_round", release(1, orders))
    before = [world.balance(lot.payee) for lot in lots]
    weights = {orders[0]: 700_000, orders[1]: 299_999}
    world.call("hub", "market.claim_bonus", bonus_claims(weights, orders[1]))
    world.call("acme", "market.claim_bonus", bonus_claims(weights, *orders))
    assert [world.balance(lot.payee) - had for lot, had in zip(lots, before, strict=True)] == [70, 29]
    assert world.code("acme", "market.claim_bonus", bonus_claims(weights, *orders)) == "bonus_paid"
    world.block(DEADLINE + CLAIM_MS + 1 - world.time_ms)
    world.call("nobody", "market.end_pool", EndPool(JOB))
    assert world.code("nobody", "market.end_pool", EndPool(JOB)) == "pool_over"
    world.call("nobody", "market.end_training", EndTraining(tuple(orders)))
    assert (world.balance("acme"), world.escrow()) == (1000 - 50 - 99, 0)


def test_the_bonus_keeps_to_its_pool_its_job_and_to_homes_that_took_part(world: World, lots: list[TestLot]) -> None:
    orders = accepted(world, *lots, bonus=100)
    world.call("hub", "market.release_round", release(1, orders, orders[0]))
    code = "hub", "market.claim_bonus"
    weights = {orders[0]: 400_000, orders[1]: 600_000}
    assert world.code(*code, bonus_claims(weights, orders[1])) == "bonus_without_round"
    good = bonus_claims(weights, orders[0])
    lie = msgspec.structs.replace(good.claims[0], weight_micro=900_000)
    assert world.code(*code, msgspec.structs.replace(good, claims=(lie,))) == "share_not_of_job"
    assert world.code(*code, bonus_claims({orders[0]: 1_010_000}, orders[0])) == "bonus_beyond_pool"
    failed = msgspec.structs.replace(good, proof=end_receipt("failed"))
    assert world.code(*code, failed) == "job_not_completed"
    other = msgspec.structs.replace(good, proof=end_receipt("completed", weights, job_of("bolt")))
    assert world.code(*code, other) == "pool_unknown"
    assert world.code("nobody", "market.end_pool", EndPool(JOB)) == "claims_not_passed"
    assert world.code("nobody", "market.end_pool", EndPool(sha256(b"?"))) == "pool_unknown"
    world.block(DEADLINE + CLAIM_MS + 1 - world.time_ms)
    assert world.code(*code, good) == "claims_passed"


def test_a_failed_jobs_pool_goes_back_once_its_end_is_shown(world: World, lots: list[TestLot]) -> None:
    accepted(world, lots[0], bonus=100)
    world.call("x", "market.close_training", CloseTraining(end_receipt("failed"), ()))
    world.block(CLAIM_MS + 1)
    world.call("nobody", "market.end_pool", EndPool(JOB))
    pool = world.state.get(POOLS, JOB)
    assert pool is not None and pool.status == "ENDED"
    assert world.balance("acme") == 1000 - 103
    again = funding(lots[1], bonus=1)
    assert world.code("acme", "market.fund_training", again) == "pool_over"


def test_a_price_under_the_number_of_rounds_is_paid_with_the_last_round_alone(world: World) -> None:
    lot = listed(world, make_lot("cheap", licence_kind="training", price=3))
    (order,) = accepted(world, lot)
    for number in (1, 2, 3):
        world.call("hub", "market.release_round", release(number, [order]))
    assert world.balance(lot.payee) == 0
    world.call("hub", "market.release_round", release(4, [order]))
    assert world.balance(lot.payee) == 3


def test_the_terms_of_a_licence_stay_when_the_lot_is_repriced_or_unlisted(world: World, lots: list[TestLot]) -> None:
    (order,) = accepted(world, lots[0])
    world.call(lots[0].payee, "market.reprice", Reprice(price=999))
    world.call(lots[0].payee, "market.unlist", Unlist())
    world.call("hub", "market.release_round", release(1, [order]))
    assert row(world, order).released == 25
