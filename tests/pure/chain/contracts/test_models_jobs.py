"""The service-model ledger: who may serve, jobs for paid licences, and rounds that keep to what was declared."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chain.contracts.credits import Transfer
from chain.contracts.crossing import JobEnd
from chain.contracts.registry import Suspend
from chain.contracts.service_models import rows
from chain.contracts.service_models.rows import JOBS, ROUNDS, SERVICES, JobRow
from chain.core.merkle import EMPTY_ROOT
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.learning import (
    EPSILON,
    FAR_MS,
    FIRST_MODEL,
    SERVICE,
    accreditation,
    learnt,
    licences,
    opened,
    opening,
    orders_of,
    serve,
)
from tests.pure.chain.contracts.receipts import (
    PLAN,
    SHARED_ID,
    aborted_args,
    job_of,
    models_genesis,
    receipt,
    round_args,
)
from tests.pure.chain.contracts.world import OPERATOR, World, address

JOB = job_of("acme")


@pytest.fixture
def world() -> World:
    world = World(models_genesis())
    serve(world, "acme", "bolt")
    return world


def job(world: World) -> JobRow:
    row = world.state.get(JOBS, JOB)
    assert row is not None
    return row


def test_an_accreditation_is_shown_by_anyone_and_the_newest_receipt_holds(world: World) -> None:
    register = rows.ServiceRegister("comfort", "C", "Keeps it warm.")
    show, call = "service_models.accreditation_show", ("cora", "service_models.service_register")
    assert world.code(*call, register) == "enterprise_not_accredited"
    assert world.code("x", show, accreditation("cora", height=7)) == ""
    assert world.code(*call, register, keep=False) == ""
    suspended = receipt(SHARED_ID, OPERATOR, "registry.suspend", Suspend(address=address("cora")), height=7)
    assert world.code("x", show, rows.ShowAccreditation(suspended)) == "", "of one block, the suspension holds"
    assert world.code(*call, register) == "enterprise_not_accredited"
    for height in (6, 7):
        assert world.code("cora", show, accreditation("cora", height=height)) == "receipt_older"
    assert world.code("cora", show, accreditation("cora", height=8)) == ""
    world.block(10**9)
    assert world.code(*call, register) == "enterprise_not_accredited", "its time is over"


def test_a_service_has_one_name_and_counts_who_asks_for_it(world: World) -> None:
    again = rows.ServiceRegister("tariff-advice", "EUR", "Mine.")
    assert world.code("bolt", "service_models.service_register", again) == "service_exists"
    assert world.code("home", "service_models.request", rows.Request("nothing")) == "service_unknown"
    for home in ("home", "home", "other"):
        world.call(home, "service_models.request", rows.Request("tariff-advice"))
    row = world.state.get(SERVICES, SERVICE)
    asked = world.state.get(rows.REQUESTS, SERVICE + address("home"))
    assert row is not None and (row.requests, row.unit) == (3, "kWh")
    assert asked is not None and asked.count == 2


def test_a_job_opens_for_the_plan_whose_licences_were_paid(world: World) -> None:
    proofs = licences("acme"), licences("acme", 4, nonce=1)
    world.call("acme", "service_models.job_open", opening("acme", *proofs))
    assert (job(world).licences, job(world).status, job(world).plan) == (9, "open", PLAN)
    more = rows.JobLicences(JOB, (licences("acme", 1, nonce=2),))
    assert world.code("bolt", "service_models.job_licences", more) == "not_the_jobs_enterprise"
    world.call("acme", "service_models.job_licences", more)
    assert job(world).licences == 10
    assert world.code("acme", "service_models.job_licences", more) == "receipt_used"


def test_a_job_that_shows_no_licences_of_its_own_is_refused(world: World) -> None:
    def code(args: rows.JobOpen, buyer: str = "acme") -> str:
        return world.code(buyer, "service_models.job_open", args)

    assert code(opening("acme"), "stranger") == "enterprise_not_accredited"
    assert code(opening("acme"), "bolt") == "licences_of_other"
    assert code(opening("acme", licences("acme", plan=sha256(b"?")))) == "licences_of_other"
    assert code(opening("acme", licences("acme"), licences("acme"))) == "receipt_used"
    assert code(opening("acme", licences("acme", code="price_changed"))) == "receipt_of_refusal"
    money = receipt(SHARED_ID, "acme", "credits.transfer", Transfer(address("bolt"), 1))
    assert code(opening("acme", money)) == "receipt_of_other_call"
    assert code(opening("acme", licences("acme", signers=("thief",)))) == "receipt_not_proven"
    assert code(opening(service=sha256(b"?"))) == "service_unknown"
    for deadline_ms in (world.time_ms, world.time_ms + 367 * 86_400_000):
        assert code(opening(deadline_ms=deadline_ms)) == "job_deadline_invalid"
    assert code(opening()) == ""
    assert code(opening("acme", licences("acme", nonce=1))) == "job_exists"


def test_rounds_follow_each_other_from_model_to_model(world: World) -> None:
    opened(world)
    learnt(world, 1)
    learnt(world, 2)
    done = world.state.get(ROUNDS, rows.round_key(JOB, 2))
    assert done is not None and (done.survivors, done.model_before) == (3, sha256(b"model", b"\x01"))
    assert (job(world).done, job(world).model, job(world).epsilon_micro) == (2, sha256(b"model", b"\x02"), 2_000_000)


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"job": sha256(b"?")}, "job_unknown"),
    ({"number": 2}, "round_out_of_order"),
    ({"model_before": sha256(b"?")}, "model_mismatch"),
    ({"reason": "oops"}, "reason_invalid"),
    ({"complete": False}, "reason_invalid"),
    ({"survivors": 2}, "cohort_too_small"),
    ({"joined": 2}, "participants_invalid"),
    ({"leaf_count": 2}, "participants_invalid"),
    ({"leaf_count": 6}, "participants_invalid"),
    ({"epsilon_micro": EPSILON + 1}, "epsilon_exceeded"),
    ({"complete": False, "reason": "too_few"}, "aborted_with_result"),
]


@pytest.mark.parametrize(("changes", "code"), CHANGES, ids=[f"{code}-{next(iter(each))}" for each, code in CHANGES])
def test_a_round_that_breaks_what_was_declared_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    opened(world)
    before = job(world)
    args = msgspec.structs.replace(round_args(JOB, 1, orders_of()), **changes)
    assert world.code("acme", "service_models.round", args) == code
    assert job(world) == before


def test_only_the_jobs_enterprise_says_how_its_rounds_end_and_never_beyond_them(world: World) -> None:
    opened(world)
    first = round_args(JOB, 1, orders_of())
    assert world.code("bolt", "service_models.round", first) == "not_the_jobs_enterprise"
    for number in (1, 2, 3):
        learnt(world, number)
    assert world.code("acme", "service_models.round", round_args(JOB, 4, orders_of())) == "round_out_of_order"
    less = round_args(JOB, 4, orders_of(), epsilon_micro=0)
    assert world.code("acme", "service_models.round", less) == "round_out_of_order"


def test_an_aborted_round_is_told_and_tried_again(world: World) -> None:
    opened(world)
    spent = msgspec.structs.replace(aborted_args(JOB, 1), epsilon_micro=1_000_000)
    world.call("acme", "service_models.round", spent)
    assert (job(world).aborted, job(world).done, job(world).model) == (1, 0, FIRST_MODEL)
    again = round_args(JOB, 1, orders_of(), epsilon_micro=999_999)
    assert world.code("acme", "service_models.round", again) == "epsilon_shrinks", "what was spent stays spent"
    learnt(world, 1)
    assert job(world).done == 1


def test_a_job_ends_once_and_takes_no_rounds_after_it(world: World) -> None:
    opened(world)
    failed = JobEnd(JOB, "failed", "no_quorum", EMPTY_ROOT, 0)
    code = "acme", "service_models.job_end"
    assert world.code(*code, JobEnd(JOB, "completed", "", EMPTY_ROOT, 0)) == "job_unfinished"
    assert world.code(*code, JobEnd(JOB, "failed", "", EMPTY_ROOT, 0)) == "reason_invalid"
    assert world.code(*code, JobEnd(JOB, "failed", "x", sha256(b"?"), 2)) == "shares_invalid"
    assert world.code(*code, JobEnd(JOB, "failed", "x", sha256(b"?"), 0)) == "shares_invalid"
    assert world.code("bolt", "service_models.job_end", failed) == "not_the_jobs_enterprise"
    learnt(world, 1)
    assert world.code(*code, JobEnd(JOB, "completed", "done", EMPTY_ROOT, 0)) == "reason_invalid"
    world.call("acme", "service_models.job_end", JobEnd(JOB, "completed", "", sha256(b"shares"), 3))
    assert job(world).status == "completed"
    assert world.code(*code, failed) == "job_over"
    assert world.code("acme", "service_models.round", round_args(JOB, 2, orders_of())) == "job_over"


def test_anyone_ends_a_job_as_failed_after_its_deadline(world: World) -> None:
    opened(world)
    late = JobEnd(JOB, "failed", "deadline_passed", EMPTY_ROOT, 0)
    world.block(FAR_MS - world.time_ms)
    assert world.code("nobody", "service_models.job_end", late) == "not_the_jobs_enterprise"
    world.block()
    assert world.code("acme", "service_models.round", round_args(JOB, 1, orders_of())) == "job_deadline_passed"
    other = JobEnd(JOB, "cancelled", "deadline_passed", EMPTY_ROOT, 0)
    assert world.code("nobody", "service_models.job_end", other) == "not_the_jobs_enterprise"
    world.call("nobody", "service_models.job_end", late)
    assert (job(world).status, job(world).reason) == ("failed", "deadline_passed")
