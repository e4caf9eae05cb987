"""The key for the money: both sides reach s and e, and every false step is refused by its own class."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.contracts.market.ids import commitment_of, fund_digest, order_id_of
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import ORDER, PointAtInfinity, point_mul_base, scalar_add, verify
from chain.exchange.errors import AnswerMismatch, PointMismatch, SealedPointUnopened, SecretWrong
from chain.exchange.handover import answer_check, buyer_secret, funding_new, hub_answer
from chain.exchange.lots import LotSecrets, open_lot, scalar_of
from tests.pure.exchange.world import BUYER, CLOUD_SECRET, LEDGER, PAYEE_KEY, R, order_of, world_new

WORLD = world_new()


def test_the_buyer_reaches_the_lots_secret_and_opens_it():
    order = order_of(WORLD)
    answer = hub_answer(WORLD.secrets, order, LEDGER)
    answer_check(answer.e, WORLD.digest.key_point, order.point)
    secret = buyer_secret(answer.e, R, WORLD.digest.key_point)
    assert secret == WORLD.secrets.secret
    open_lot(WORLD.lot, WORLD.digest, PAYEE_KEY, secret)


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=48, max_size=48))
def test_any_number_of_the_buyer_works(wide):
    r = scalar_of(wide)
    order = order_of(WORLD, r)
    answer = hub_answer(WORLD.secrets, order, LEDGER)
    answer_check(answer.e, WORLD.digest.key_point, order.point)
    assert buyer_secret(answer.e, r, WORLD.digest.key_point) == WORLD.secrets.secret


def test_the_funding_is_signed_by_r_over_ledger_order_lot_and_buyer():
    fund = funding_new(R, WORLD.row, BUYER, LEDGER)
    order_id = order_id_of(fund.lot_id, fund.point)
    assert fund.point == point_mul_base(R)
    assert verify(fund.point, fund_digest(LEDGER, order_id, fund.lot_id, BUYER), fund.r_signature)
    assert not verify(fund.point, fund_digest(LEDGER, order_id, fund.lot_id, b"x" * 20), fund.r_signature)
    assert R not in fund.sealed_r


def test_a_restored_hub_gives_the_same_answer():
    order = order_of(WORLD)
    restored = LotSecrets.derive(CLOUD_SECRET, PAYEE_KEY)
    assert hub_answer(restored, order, LEDGER) == hub_answer(WORLD.secrets, order, LEDGER)


def test_the_answer_is_committed_to_and_shows_no_secret():
    order = order_of(WORLD)
    answer = hub_answer(WORLD.secrets, order, LEDGER)
    assert answer.commit_args().commitment == commitment_of(answer.deliver_args().e, answer.deliver_args().nonce)
    assert answer.e.hex() not in repr(answer) and repr(answer.e) not in repr(answer)
    assert answer.nonce != hub_answer(WORLD.secrets, order_of(WORLD, sha256(b"another")), LEDGER).nonce


@pytest.mark.parametrize("change", [{"buyer": b"x" * 20}, {"order_id": sha256(b"o")}, {"sealed_r": b"x" * 80}])
def test_a_number_sealed_for_another_order_or_buyer_does_not_open(change):
    with pytest.raises(SealedPointUnopened):
        hub_answer(WORLD.secrets, order_of(WORLD, **change), LEDGER)
    with pytest.raises(SealedPointUnopened):
        hub_answer(WORLD.secrets, order_of(WORLD), "another ledger")


def test_a_number_that_is_not_the_points_is_refused():
    with pytest.raises(PointMismatch):
        hub_answer(WORLD.secrets, order_of(WORLD, point=point_mul_base(sha256(b"other"))), LEDGER)


def test_a_funding_that_cancels_the_lots_point_is_refused():
    inverse = (ORDER - int.from_bytes(WORLD.secrets.secret, "big")).to_bytes(32, "big")
    with pytest.raises(PointAtInfinity):
        funding_new(inverse, WORLD.row, BUYER, LEDGER)


@pytest.mark.parametrize("e", [sha256(b"wrong"), bytes(32), ORDER.to_bytes(32, "big"), b"short"])
def test_a_wrong_answer_is_refused(e):
    with pytest.raises(AnswerMismatch):
        answer_check(e, WORLD.digest.key_point, point_mul_base(R))
    with pytest.raises(SecretWrong):
        buyer_secret(e, R, WORLD.digest.key_point)


def test_a_second_buyer_learns_nothing_from_the_firsts_answer():
    first = hub_answer(WORLD.secrets, order_of(WORLD), LEDGER)
    with pytest.raises(SecretWrong):
        buyer_secret(first.e, sha256(b"second buyer"), WORLD.digest.key_point)
    assert first.e == scalar_add(WORLD.secrets.secret, R)
