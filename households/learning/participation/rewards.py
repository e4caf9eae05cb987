"""Rewards: the enterprise shows that a round stands on the ledger; the home checks it and claims its share itself.

A share is claimed lot by lot, by the lot's own key, so that no transaction names two lots of a home.
"""

from __future__ import annotations

from django.db import transaction

from chain.contracts.crossing import JOB_END, ROUND, JobEnd, Round, participant_leaf, share_leaf
from chain.contracts.market.training_rows import BonusClaim, ClaimBonus, ReleaseRound, RoundClaim, TrainingRow
from chain.core.codec import decode, encode
from chain.core.merkle import leaf_hash, verify_path
from chain.core.types import Transaction
from chain.crypto.hashing import address_of
from households.learning.account import TOPIC
from households.learning.participation.errors import ClaimInvalid
from households.learning.participation.home import HOME, keep
from households.learning.participation.licences import lot_credit, reward_note, reward_of
from households.learning.participation.port import Connection
from households.models import Participation, ParticipationClaim, ParticipationOrder, ParticipationRound
from households.services.activity import live_notify
from households.uploads.services.sending import payee_of, send_once
from marketplace.common.work import advance

RELEASE, BONUS = "release.", "bonus."
MICRO = 1_000_000
PAID_ALREADY = frozenset({"round_paid", "bonus_paid"})
Claims = ParticipationClaim.State


def release_take(row: Participation, connection: Connection, data: bytes) -> None:
    """Keep the claims of the home's orders in a round. Raises ``ClaimInvalid`` unless every one of them holds."""
    told = decode(ReleaseRound, data)
    done = decode(Round, _called(row, connection, told.proof.tx_id, ROUND).args)
    if done.job != bytes(row.job) or not done.complete:
        raise ClaimInvalid
    masked = set(_masked(row))
    orders = _orders(row)
    for claim in told.claims:
        leaf = leaf_hash(participant_leaf(claim.order_id, claim.update))
        held = verify_path(leaf, claim.index, done.leaf_count, claim.path, done.root)
        if not held or claim.order_id not in orders or claim.update not in masked:
            raise ClaimInvalid
    for claim in told.claims:
        _note(orders[claim.order_id], done.number, told.proof.tx_id, encode(claim))


def bonus_take(row: Participation, connection: Connection, data: bytes) -> None:
    """Keep the claims of the home's orders on the bonus. Raises ``ClaimInvalid`` unless every one of them holds."""
    told = decode(ClaimBonus, data)
    end = decode(JobEnd, _called(row, connection, told.proof.tx_id, JOB_END).args)
    if end.job != bytes(row.job):
        raise ClaimInvalid
    orders = _orders(row)
    for claim in told.claims:
        leaf = leaf_hash(share_leaf(claim.order_id, claim.weight_micro))
        held = verify_path(leaf, claim.index, end.share_count, claim.path, end.shares_root)
        if not held or claim.order_id not in orders:
            raise ClaimInvalid
    for claim in told.claims:
        _note(orders[claim.order_id], 0, told.proof.tx_id, encode(claim))
    keep(row, end_told=True)


def claim_step(claim: ParticipationClaim, connection: Connection) -> None:
    """Hand the receipt in, unless somebody has, and note what it brought. The caller holds the lease."""
    order = claim.order
    before, code = connection.trainings.training_row(bytes(order.order_id)), ""
    if not claim.number or not before.is_paid(claim.number):
        call, args = _call(claim, connection)
        proof = send_once(claim, "raw", payee_of(order.lot, connection.market), call, args)
        code = "" if proof.receipt.code in PAID_ALREADY else proof.receipt.code
    if code:
        advance(claim, using=HOME, state=Claims.REFUSED, code=code)
        return
    reward = _share(claim, before, connection)
    if claim.number:
        reward_note(order, connection)
    with transaction.atomic(using=HOME):
        advance(claim, using=HOME, state=Claims.PAID, reward=reward)
        if not claim.number and reward:
            lot_credit(order, reward)
        live_notify(household=order.household, topic=TOPIC)


def _share(claim: ParticipationClaim, before: TrainingRow, connection: Connection) -> int:
    """What a claim brought: of a round by the licence before and after it, of the bonus as the contract reckons it."""
    order = claim.order
    if not claim.number:
        weight = decode(BonusClaim, bytes(claim.claim)).weight_micro
        assert order.participation is not None
        return connection.trainings.pool_row(bytes(order.participation.job)).amount * weight // MICRO
    after = connection.trainings.training_row(bytes(order.order_id))
    if after.paid_rounds == before.paid_rounds + 1:
        return reward_of(after) - reward_of(before)
    gross = before.price // before.rounds  # somebody else has handed it in
    return gross - before.fee_within(gross)


def _call(claim: ParticipationClaim, connection: Connection) -> tuple[str, ReleaseRound | ClaimBonus]:
    proof = connection.models.proof(bytes(claim.tx_id))
    if claim.number:
        return "market.release_round", ReleaseRound(proof, (decode(RoundClaim, bytes(claim.claim)),))
    return "market.claim_bonus", ClaimBonus(proof, (decode(BonusClaim, bytes(claim.claim)),))


def _called(row: Participation, connection: Connection, tx_id: bytes, call: str) -> Transaction:
    """The enterprise's own call, as the ledger proves it to this home."""
    proof = connection.models.proof(tx_id)
    tx = proof.signed.tx
    if tx.call != call or proof.receipt.code or address_of(tx.sender) != bytes(row.enterprise):
        raise ClaimInvalid
    return tx


def _orders(row: Participation) -> dict[bytes, ParticipationOrder]:
    return {bytes(order.order_id): order for order in ParticipationOrder.objects.using(HOME).filter(participation=row)}


def _masked(row: Participation) -> list[bytes]:
    """The hashes of all masked updates that the home sent in this job."""
    sent = ParticipationRound.objects.using(HOME).filter(participation=row).exclude(masked=b"")
    return [bytes(masked) for masked in sent.values_list("masked", flat=True)]


def _note(order: ParticipationOrder, number: int, tx_id: bytes, claim: bytes) -> None:
    ParticipationClaim.objects.using(HOME).get_or_create(
        order=order, number=number, defaults={"tx_id": tx_id, "claim": claim}
    )
