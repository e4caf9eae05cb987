"""After the end: the version, the job's end on the ledger, the homes' bonus, and the rest of the money back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from chain.contracts.crossing import LINES_MAX, JobEnd, training_order_id_of
from chain.contracts.market.training_rows import (
    ACCEPTED,
    FUNDED,
    OPEN_STATES,
    CloseTraining,
    EndPool,
    EndTraining,
    ExpireTraining,
    TrainingRow,
)
from chain.contracts.market.training_rows import OPEN as POOL_OPEN
from chain.exchange.learning import BonusShares
from enterprises.checkout.ports import term
from enterprises.training import calls
from enterprises.training.contributions import shares_of
from enterprises.training.leaves import cohort_of, happened_of, orders_of
from enterprises.training.making import repeat_plan
from enterprises.training.models import JobPeer, JobStep, TrainingJob
from enterprises.training.moves import State, Winding, tell
from enterprises.training.ports import Desk, Post
from enterprises.training.records import record_open
from enterprises.training.releasing import bonus_send, releases_send, releases_wait
from enterprises.training.versions import version_of
from fedlearn.learners.errors import CardInvalid, ModelInvalid
from fedlearn.runtime.rounds import OPENED
from marketplace.common.errors import NotFound
from marketplace.common.work import advance, wait

WAIT_S = 2.0
LOOK_AGAIN_S = 60.0
SETTLING = (calls.FUND, calls.OPEN, calls.ROUND)


def wind_up(desk: Desk, post: Post, job: TrainingJob) -> None:
    """ENDING: publish, end, close; the job rests until every call that it needs is final."""
    _notice_close(desk, job)
    for row in [row for name in SETTLING for row in calls.calls_of(job, name)]:
        if calls.waits(row):
            wait(job, using="enterprise", seconds=WAIT_S)
            return
    releases_send(desk, post, job)
    if releases_wait(job):
        wait(job, using="enterprise", seconds=WAIT_S)
        return
    opened = calls.call_of(job, calls.OPEN)
    if opened is None or not calls.went_through(opened):
        _over(post, job, bool(calls.calls_of(job, calls.FUND)))
        return
    if job.state == State.COMPLETED and not _published(desk, job):
        return
    proof_row = calls.call_of(job, calls.END)
    if proof_row is None:
        with transaction.atomic(using="enterprise"):
            calls.call(job, calls.END, _end_args(job))
            _rest(job, WAIT_S)
    elif calls.waits(proof_row):
        wait(job, using="enterprise", seconds=WAIT_S)
    else:
        _close(desk, post, job, proof_row)


def refund(desk: Desk, post: Post, job: TrainingJob) -> None:
    """REFUNDING: ask for what nobody may claim any more; done when no licence and no pool is open."""
    rows = _licences(desk, job)
    now_ms = desk.market.head().time_ms
    claim_ms = term(desk.market, "claim_ms")
    missed = [row.order_id for row in rows if row.status == FUNDED and now_ms > row.accept_until_ms]
    over = [row.order_id for row in rows if row.status == ACCEPTED and now_ms > row.deadline_ms + claim_ms]
    pool_open = _pool_over(desk, job, now_ms - claim_ms)
    left = any(row.status in OPEN_STATES for row in rows) or pool_open is not None
    if not left:
        post.job_close(job.ledger_job)
    with transaction.atomic(using="enterprise"):
        _ask(job, calls.EXPIRE, missed, lambda part: ExpireTraining(part))
        _ask(job, calls.END_TRAINING, over, lambda part: EndTraining(part))
        if pool_open is True:
            calls.call(job, calls.END_POOL, EndPool(bytes.fromhex(job.ledger_job)))
        job.happened = {**happened_of(job), **_money(desk, job, rows)}
        changes: dict[str, Any] = {"happened": job.happened}
        if not left:
            changes["winding"] = Winding.DONE
        asked = bool(missed or over or pool_open)
        _rest(job, WAIT_S if asked else LOOK_AGAIN_S, **changes)


def _notice_close(desk: Desk, job: TrainingJob) -> None:
    """Take no more answers; a notice that was never posted is no error."""
    if job.closes_at is None:
        return
    with suppress(NotFound):
        desk.board.notice_close(bytes.fromhex(job.plan_hash))


def _published(desk: Desk, job: TrainingJob) -> bool:
    """Whether the version is on the ledger, or it is known why there is none."""
    if job.version or job.version_note:
        return True
    row = calls.call_of(job, calls.VERSION)
    if row is not None and calls.waits(row):
        wait(job, using="enterprise", seconds=WAIT_S)
        return False
    refused = next((code for each in calls.calls_of(job, calls.ROUND) if (code := calls.refusal_of(each))), "")
    if row is not None:
        refused = calls.refusal_of(row)
    try:
        version = version_of(job, record_open(job))
    except (CardInvalid, ModelInvalid) as fault:
        refused = refused or ("no_held_out_figures" if fault.code == CardInvalid.code else fault.code)
    if refused:
        _rest(job, 0.0, version_note=refused[:64])
    elif row is None:
        # The objects first: who reads of a version on the ledger finds them.
        desk.market.object_put(version.call.object_id, version.model)
        desk.market.object_put(version.call.card, version.card)
        with transaction.atomic(using="enterprise"):
            calls.call(job, calls.VERSION, version.call)
            _rest(job, WAIT_S)
    else:
        _rest(job, 0.0, version=version.id.hex(), card=msgspec.to_builtins(version.card_shown))
    return False


def _shares(job: TrainingJob) -> BonusShares:
    """The bonus by order: a home's share in equal parts on its licences; only a completed job has one."""
    if job.state != State.COMPLETED:
        return BonusShares({})
    steps = [step for step in JobStep.objects.filter(job=job, number__gt=0) if step.outcome == OPENED]
    homes = shares_of([step.worth for step in steps], [place for step in steps for place in step.survivors])
    cohort = cohort_of(job)
    weights: dict[bytes, int] = {}
    for place, share in homes.items():
        orders = orders_of(cohort[place])
        weights.update({order: share // len(orders) for order in orders if share // len(orders)})
    return BonusShares(weights)


def _end_args(job: TrainingJob) -> JobEnd:
    shares = _shares(job)
    outcome = str(job.state)
    assert outcome in ("completed", "failed", "cancelled")
    return JobEnd(
        job=bytes.fromhex(job.ledger_job),
        outcome=outcome,  # type: ignore[arg-type]
        reason="" if outcome == "completed" else (job.reason or outcome)[:48],
        shares_root=shares.root,
        share_count=len(shares),
    )


def _close(desk: Desk, post: Post, job: TrainingJob, row: Any) -> None:
    """The end is final, or was refused: hand its receipt to the shared ledger, and the homes their bonus."""
    closed = calls.calls_of(job, calls.CLOSE)
    if calls.refusal_of(row):  # somebody else ended it after the deadline; the deadline of the licences holds
        _over(post, job, True)
        return
    if not closed:
        proof = desk.market.models().proof(bytes.fromhex(row.tx_id))
        bonus_send(post, job, _shares(job), proof)
        orders = [each.order_id for each in _licences(desk, job) if each.status in OPEN_STATES]
        with transaction.atomic(using="enterprise"):
            for at in range(0, max(1, len(orders)), LINES_MAX):
                calls.call(job, calls.CLOSE, CloseTraining(proof, tuple(orders[at : at + LINES_MAX])), str(at))
            _rest(job, WAIT_S)
    elif any(calls.waits(each) for each in closed):
        wait(job, using="enterprise", seconds=WAIT_S)
    else:
        _over(post, job, True)


def _over(post: Post, job: TrainingJob, paid: bool) -> None:
    """Nothing of the job is sent any more. What homes have not fetched stays for them until the money has moved."""
    if not paid:
        post.job_close(job.ledger_job)
    if job.state == State.COMPLETED:
        repeat_plan(job)
    _rest(job, 0.0, winding=Winding.REFUNDING if paid else Winding.DONE)


def _licences(desk: Desk, job: TrainingJob) -> list[TrainingRow]:
    """The licences that the shared ledger has for this job."""
    found = []
    ours = bytes.fromhex(job.ledger_job)
    for peer in job.peers.exclude(state=JobPeer.State.LEFT_OUT):
        for lot in peer.lots:
            if not lot.get("order"):
                continue
            try:
                found.append(desk.market.training_row(training_order_id_of(ours, bytes.fromhex(lot["lot"]))))
            except NotFound:
                continue
    return found


def _pool_over(desk: Desk, job: TrainingJob, before_ms: int) -> bool | None:
    """None if there is no open pool, else whether its time for claims is over."""
    try:
        pool = desk.market.pool_row(bytes.fromhex(job.ledger_job))
    except NotFound:
        return None
    return pool.deadline_ms < before_ms if pool.status == POOL_OPEN else None


def _money(desk: Desk, job: TrainingJob, rows: Sequence[TrainingRow]) -> dict[str, int]:
    """Credits that went to homes (the operator's part included), and that came back."""
    paid = sum(row.released for row in rows)
    back = sum(row.price - row.released for row in rows if row.status not in OPEN_STATES)
    try:
        pool = desk.market.pool_row(bytes.fromhex(job.ledger_job))
    except NotFound:
        return {"paid": paid, "back": back}
    rest = 0 if pool.status == POOL_OPEN else pool.amount - pool.paid
    return {"paid": paid + pool.paid, "back": back + rest}


def _ask(job: TrainingJob, name: str, orders: list[bytes], args: Any) -> None:
    """Queue a call for orders that no earlier one of ours was about; a refused one is tried under a new key."""
    today = timezone.now().strftime("%Y%m%d%H")
    for at in range(0, len(orders), LINES_MAX):
        part = tuple(orders[at : at + LINES_MAX])
        calls.call(job, name, args(part), f"{part[0].hex()[:48]}.{today}")


def _rest(job: TrainingJob, seconds: float, **changes: Any) -> None:
    """End this step with these changes."""
    with transaction.atomic(using="enterprise"):
        advance(job, using="enterprise", again_in_s=seconds, **changes)
        if changes:
            tell(job)
