"""Waiting for the homes to accept; then the terms of the job, and its first record."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from chain.client.wire import LedgerEvent
from chain.contracts.market.training_rows import AcceptTraining, DeclineTraining
from chain.core.codec import decode
from enterprises.training.models import JobPeer, TrainingJob
from enterprises.training.moves import State, end, move, tell
from enterprises.training.plans import parameters_first
from enterprises.training.ports import Desk, Post
from enterprises.training.records import record_seal
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.protocol.graph import MIN_MEMBERS
from fedlearn.runtime.jobs import JobTerms, job_begin
from fedlearn.runtime.names import identity_of
from marketplace.common.errors import NotFound
from marketplace.common.work import wait

WAIT_S = 2.0
BLOCKS_A_LOOK = 2_000
ACCEPTED, REFUNDED, ENDED = "training.accepted", "training.refunded", "training.ended"
Peer = JobPeer.State


def await_homes(desk: Desk, post: Post, job: TrainingJob) -> None:
    """WAITING: note who accepts; begin when all have answered, or the time is over and enough have."""
    if job.cancel_asked:
        end(job, State.CANCELLED)
        return
    height = _follow(desk, job)
    plan = plan_decode(bytes(job.plan))
    accepted = list(job.peers.filter(state=Peer.ACCEPTED))
    waited = job.peers.filter(state=Peer.CHOSEN).count()
    over = desk.market.head().time_ms > job.accept_until_ms
    enough = len(accepted) >= max(plan.minimum, MIN_MEMBERS)
    if enough and (over or not waited):
        _begin(desk, post, job, plan, accepted, height)
    elif over or len(accepted) + waited < max(plan.minimum, MIN_MEMBERS):
        end(job, State.FAILED, "too_few_accepted", cursor_height=height)
    else:
        wait(job, using="enterprise", seconds=WAIT_S, cursor_height=height)


def _follow(desk: Desk, job: TrainingJob) -> int:
    """Read what the shared ledger says of the job's licences; gives the height up to which it was read."""
    until = min(job.cursor_height + BLOCKS_A_LOOK, desk.market.indexed_height())
    if until <= job.cursor_height:
        return job.cursor_height
    ours = bytes.fromhex(job.ledger_job)
    for event in desk.market.events(job.cursor_height, until):
        if ours in event.subjects and event.kind in (ACCEPTED, REFUNDED, ENDED):
            _event(desk, job, event)
    return until


def _event(desk: Desk, job: TrainingJob, event: LedgerEvent) -> None:
    """Note an answer of a home, if the verified receipt bears it out."""
    proof = desk.market.proof(event.tx_id)
    tx = proof.signed.tx
    if proof.receipt.code:
        return
    if tx.call == "market.accept_training":
        _answered(job, decode(AcceptTraining, tx.args).order_id, "")
    elif tx.call == "market.decline_training":
        said = decode(DeclineTraining, tx.args)
        _answered(job, said.order_id, said.code or "declined")


def _answered(job: TrainingJob, order_id: bytes, refusal: str) -> None:
    """A home takes part once it has accepted for all of its lots, and does not once it declined for one."""
    order = order_id.hex()
    for peer in job.peers.filter(state__in=(Peer.CHOSEN, Peer.ACCEPTED)):
        if all(lot["order"] != order for lot in peer.lots):
            continue
        changes: dict[str, Any] = {"state": Peer.DECLINED, "reason": refusal[:64]}
        if not refusal:
            lots = [{**lot, "accepted": lot.get("accepted") or lot["order"] == order} for lot in peer.lots]
            whole = all(lot["accepted"] for lot in lots)
            changes = {"lots": lots, "state": Peer.ACCEPTED if whole else Peer.CHOSEN}
        JobPeer.objects.filter(pk=peer.pk).update(**changes)
        tell(job)


def _begin(desk: Desk, post: Post, job: TrainingJob, plan: TrainingPlan, accepted: list[JobPeer], height: int) -> None:
    """Write the terms and the first record down; they are sent afterwards, so every sending says the same."""
    seed = desk.market.models().job_seed(bytes.fromhex(job.ledger_job))
    if seed is None:
        wait(job, using="enterprise", seconds=WAIT_S, cursor_height=height)
        return
    channels = set(post.refresh())
    cohort = [peer for peer in accepted if _still_there(desk, peer) and identity_of("hub", peer.address) in channels]
    if len(cohort) < max(plan.minimum, MIN_MEMBERS):
        end(job, State.FAILED, "too_few_accepted", cursor_height=height)
        return
    cohort.sort(key=lambda peer: peer.address)
    for index, peer in enumerate(cohort):
        JobPeer.objects.filter(pk=peer.pk).update(index=index)
    terms = JobTerms(
        job=bytes.fromhex(job.ledger_job),
        plan=bytes(job.plan),
        seed=seed,
        cohort=tuple(bytes.fromhex(peer.job_key) for peer in cohort),
        peers=tuple(identity_of("hub", peer.address) for peer in cohort),
    )
    record = job_begin(terms, parameters_first(plan), desk.now_ms())
    move(
        job,
        State.RUNNING,
        sealed_record=record_seal(job, record),
        cursor_height=height,
        started_at=timezone.now(),
        sent_bytes=0,
        received_bytes=0,
    )


def _still_there(desk: Desk, peer: JobPeer) -> bool:
    """Whether the ledger still names the keys that were pinned."""
    try:
        row = desk.market.models().peer(bytes.fromhex(peer.address))
    except NotFound:
        return False
    return (row.channel.hex(), row.job_key.hex()) == (peer.channel, peer.job_key)
