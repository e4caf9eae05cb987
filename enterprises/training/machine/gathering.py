"""Finding homes: the notice, the answers, keys pinned to the ledger, offered lots, mocks and the dry run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from chain.contracts.market.rows import LISTED
from chain.contracts.peers import RegisterPeer
from chain.core.codec import encode
from enterprises.training.calls import REGISTER_PEER, call, call_of, refusal_of, went_through
from enterprises.training.confirming import confirm
from enterprises.training.estimates import choices_of, estimate_of
from enterprises.training.mocks import rehearsal_of, tables_of
from enterprises.training.models import JobPeer, TrainingJob
from enterprises.training.moves import State, end, move, tell
from enterprises.training.plans import helpful_classes, needed_classes
from enterprises.training.ports import Desk, Post
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.runtime.names import identity_of
from fedlearn.runtime.offers import JobOffer, mock_name, offer_to_hub
from marketplace.common.errors import Conflict, NotAllowed, NotFound
from marketplace.common.licences import TRAINING, texts
from marketplace.common.work import wait

LOOK_AGAIN_S = 2.0
CONFIRM_DAYS = 7
REST_MAX_S = 60.0
Peer = JobPeer.State


def notice(desk: Desk, post: Post, job: TrainingJob) -> None:
    """NOTICED: name the node's keys on the ledger, then post the notice."""
    if job.cancel_asked:
        end(job, State.CANCELLED)
        return
    left_s = (job.starts_at - timezone.now()).total_seconds() if job.starts_at else 0.0
    if left_s > 0:
        wait(job, using="enterprise", seconds=min(left_s, REST_MAX_S))
        return
    if not _registered(desk, post, job):
        return
    if job.closes_at is None:
        # Written down before it is posted: posting the same again gives the same notice.
        closes_at = timezone.now().replace(microsecond=0) + timedelta(seconds=job.gather_s)
        move(job, State.NOTICED, closes_at=closes_at)
        return
    task = plan_decode(bytes(job.plan)).task
    desk.board.notice_post(bytes(job.plan), job.purpose, needed_classes(task) + helpful_classes(task), job.closes_at)
    move(job, State.GATHERING)


def gather(desk: Desk, post: Post, job: TrainingJob) -> None:
    """GATHERING: bring every home that answered as far as it goes; a member confirms when enough are ready."""
    if job.cancel_asked:
        end(job, State.CANCELLED)
        return
    before = _fingerprint_of(job)
    _answers_read(desk, job)
    _peers_pin(desk, post, job)
    _peers_offer(post, job)
    _lots_price(desk, job)
    mocks = _mocks_note(post, job)
    plan = plan_decode(bytes(job.plan))
    if mocks and job.rehearsal.get("asked_of") != mocks:
        rehearsal = rehearsal_of(plan, tables_of(post, plan.task, mocks))
        _note(job, rehearsal={**rehearsal, "asked_of": mocks})
    _note(job, estimate=_estimate(plan, job))
    assert job.closes_at is not None
    closed = timezone.now() >= job.closes_at
    if job.repeat_of_id and (closed or job.estimate["homes"] == plan.cohort):
        _confirm_repeat(desk, job)
        return
    if closed and job.estimate["homes"] < plan.minimum:
        end(job, State.FAILED, "too_few_homes")
    elif timezone.now() >= job.closes_at + timedelta(days=CONFIRM_DAYS):
        end(job, State.FAILED, "not_confirmed")
    else:
        with transaction.atomic(using="enterprise"):
            wait(job, using="enterprise", seconds=LOOK_AGAIN_S)
            if _fingerprint_of(job) != before:
                tell(job)


def _confirm_repeat(desk: Desk, job: TrainingJob) -> None:
    """A repeat pays by itself; if it can't, it ends with the reason, and so does the series."""
    try:
        confirm(enterprise=desk.enterprise, market=desk.market, job=job, total=None)
    except (Conflict, NotAllowed) as refused:
        end(job, State.FAILED, refused.code)


def _registered(desk: Desk, post: Post, job: TrainingJob) -> bool:
    """Whether the ledger names the node's keys; if not, they are put there and the job waits."""
    channel = bytes.fromhex(post.fingerprint)
    key = bytes.fromhex(desk.enterprise.wallet.public_key)
    try:
        row = desk.market.models().peer(desk.address)
        if (row.channel, row.job_key) == (channel, key):
            return True
    except NotFound:
        pass
    # The wallet's key leads rounds and signs nothing in them, so it may stand as the job key.
    row_of = call_of(job, REGISTER_PEER, post.fingerprint)
    if row_of is None:
        with transaction.atomic(using="enterprise"):
            call(job, REGISTER_PEER, RegisterPeer(channel, key), post.fingerprint)
            move(job, State.NOTICED, again_in_s=LOOK_AGAIN_S)
    elif refusal_of(row_of):
        end(job, State.FAILED, refusal_of(row_of))
    elif went_through(row_of):
        return True
    else:
        wait(job, using="enterprise", seconds=LOOK_AGAIN_S)
    return False


def _answers_read(desk: Desk, job: TrainingJob) -> None:
    """Note who answered. All answers are read each time, as one may be seen later than another of a higher number."""
    known = set(job.peers.values_list("address", flat=True))
    for answer in desk.board.answers(bytes.fromhex(job.plan_hash)):
        address = answer.address.hex()
        if address not in known:
            defaults = {"number": answer.number, "public_key": answer.public_key.hex()}
            JobPeer.objects.get_or_create(job=job, address=address, defaults=defaults)


def _peers_pin(desk: Desk, post: Post, job: TrainingJob) -> None:
    """Ask for a channel to those whose keys the ledger names; the ledger may not have come to a home's call yet."""
    for peer in job.peers.filter(state=Peer.ANSWERED):
        try:
            row = desk.market.models().peer(bytes.fromhex(peer.address))
        except NotFound:
            continue
        peer.channel, peer.job_key = row.channel.hex(), row.job_key.hex()
        peer.save(using="enterprise", update_fields=["channel", "job_key"])
        post.request(identity_of("hub", peer.address))
        JobPeer.objects.filter(pk=peer.pk, state=Peer.ANSWERED).update(state=Peer.ASKED)


def _peers_offer(post: Post, job: TrainingJob) -> None:
    """Tell those that opened a channel which job it is."""
    asked = list(job.peers.filter(state=Peer.ASKED))
    if not asked:
        return
    approved = set(post.refresh())
    offer = JobOffer(bytes.fromhex(job.ledger_job), bytes(job.plan), bytes.fromhex(job.nonce))
    for peer in asked:
        identity = identity_of("hub", peer.address)
        if identity in approved:
            post.send(identity, offer_to_hub(job.ledger_job), encode(offer))
            JobPeer.objects.filter(pk=peer.pk, state=Peer.ASKED).update(state=Peer.APPROVED)


def _lots_price(desk: Desk, job: TrainingJob) -> None:
    """Look up what the offered lots cost; those not on sale for training, or of a strange licence, fall out."""
    licences = {text.digest for text in texts() if text.kind == TRAINING}
    for peer in job.peers.filter(state=Peer.OFFERED):
        lots = []
        for lot in peer.lots:
            try:
                row = desk.market.lot_row(bytes.fromhex(lot["lot"]))
            except NotFound:
                continue
            digest = row.digest
            if row.status != LISTED or digest.licence_kind != TRAINING or digest.licence not in licences:
                continue
            told = {"price": row.price, "licence": digest.licence.hex(), "records": digest.record_count}
            lots.append({**lot, **told})
        changes: dict[str, Any] = {"lots": lots, "state": Peer.READY}
        if not lots:
            changes = {"state": Peer.LEFT_OUT, "reason": "no_lots"}
        JobPeer.objects.filter(pk=peer.pk, state=Peer.OFFERED).update(**changes)


def _mocks_note(post: Post, job: TrainingJob) -> list[str]:
    """The homes of this job whose mock is here, by their names on the mailbox."""
    name = mock_name(plan_decode(bytes(job.plan)).task)
    here = {mock.owner for mock in post.mocks() if mock.name == name}
    peers = list(job.peers.exclude(channel=""))
    owners = [identity_of("hub", peer.address) for peer in peers]
    fresh = [peer.pk for peer, owner in zip(peers, owners, strict=True) if owner in here and not peer.mock]
    if fresh:
        JobPeer.objects.filter(pk__in=fresh).update(mock=True)
    return [owner for owner in owners if owner in here]


def _estimate(plan: TrainingPlan, job: TrainingJob) -> dict[str, Any]:
    choices = choices_of(plan, list(job.peers.all()))
    return estimate_of(plan, choices, float(job.rehearsal.get("seconds_home_round", 0.5)))


def _note(job: TrainingJob, **changes: Any) -> None:
    """Write what was found out, unless the job was confirmed meanwhile."""
    TrainingJob.objects.filter(pk=job.pk, state=State.GATHERING).update(**changes)
    for name, value in changes.items():
        setattr(job, name, value)


def _fingerprint_of(job: TrainingJob) -> object:
    """What pages show of the gathering, to tell them only of changes."""
    return list(job.peers.values_list("pk", "state", "mock")), job.estimate, len(job.rehearsal)
