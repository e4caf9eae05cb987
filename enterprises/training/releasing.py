"""Sending homes what they need to be paid: the receipt of a round with their paths, and at the end their bonus."""

from __future__ import annotations

import logging

from chain.contracts.market.training_rows import ClaimBonus, ReleaseRound
from chain.core.codec import encode
from chain.core.proofs import TxProof
from chain.exchange.learning import BonusShares
from enterprises.training.calls import ROUND, call_of, went_through
from enterprises.training.leaves import cohort_of, orders_of, participants_of
from enterprises.training.models import JobStep, TrainingJob
from enterprises.training.ports import Desk, Post
from fedlearn.runtime.errors import PathNotPermitted, PeerNotApproved
from fedlearn.runtime.names import identity_of
from fedlearn.runtime.offers import bonus_path, release_path
from fedlearn.runtime.rounds import OPENED

log = logging.getLogger(__name__)


def releases_send(desk: Desk, post: Post, job: TrainingJob) -> None:
    """Send the receipts of the rounds that have become final."""
    for step in JobStep.objects.filter(job=job, released=False, outcome=OPENED, number__gt=0):
        row = call_of(job, ROUND, str(step.sequence))
        if row is None or not went_through(row):
            continue
        proof = desk.market.models().proof(bytes.fromhex(row.tx_id))
        _release(post, job, step, proof)
        JobStep.objects.filter(pk=step.pk).update(released=True)


def releases_wait(job: TrainingJob) -> bool:
    """Whether there are receipts that were not sent yet, of rounds that the ledger may still take."""
    for step in JobStep.objects.filter(job=job, released=False, outcome=OPENED, number__gt=0):
        row = call_of(job, ROUND, str(step.sequence))
        if row is not None and not row.code:
            return True
    return False


def bonus_send(post: Post, job: TrainingJob, shares: BonusShares, proof: TxProof) -> None:
    """Send each home the claim of its share of the bonus."""
    for peer in cohort_of(job).values():
        claims = tuple(shares.claim(order) for order in orders_of(peer) if order in shares.weights_micro)
        if claims:
            _send(post, peer.address, bonus_path(job.ledger_job), encode(ClaimBonus(proof, claims)))


def _release(post: Post, job: TrainingJob, step: JobStep, proof: TxProof) -> None:
    cohort = cohort_of(job)
    here = participants_of(job, step.survivors, [bytes.fromhex(update) for update in step.updates])
    for place in step.survivors:
        claims = tuple(here.claim(order) for order in orders_of(cohort[place]))
        data = encode(ReleaseRound(proof, claims))
        _send(post, cohort[place].address, release_path(job.ledger_job, step.number), data)


def _send(post: Post, address: str, path: str, data: bytes) -> None:
    try:
        post.send(identity_of("hub", address), path, data)
    except (PeerNotApproved, PathNotPermitted) as gone:
        log.warning("a home has closed its channel: %s", gone.code)
