"""Training licences on the home's lots: found on the shared ledger, compared with what was agreed to, accepted or not.

Nothing is believed of an event: terms come from the verified receipt of the transaction that paid.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from chain.contracts.crossing import FUND_TRAINING, FundTraining, TrainingLine, job_id_of, training_order_id_of
from chain.contracts.market.training_rows import (
    OUTCOME_ALL_ROUNDS,
    AcceptTraining,
    DeclineTraining,
    TrainingRow,
)
from chain.contracts.service_models.rows import OPEN as JOB_OPEN
from chain.contracts.service_models.rows import JobRow
from chain.core.codec import decode
from chain.crypto.hashing import address_of
from households.learning.account import TOPIC
from households.learning.participation.home import HOME, IN_JOB, State, plan_of
from households.learning.participation.leaving import TOLD
from households.learning.participation.port import Connection
from households.models import Household, LearningCursor, Lot, Participation, ParticipationClaim, ParticipationOrder
from households.services.activity import activity_note
from households.services.market_port import MarketEvent
from households.uploads.services.sending import payee_of, send_once
from marketplace.common.errors import NotFound
from marketplace.common.work import advance, wait

ID_BYTES = 32
ROUNDS_MORE = 2  # besides those that train, the statistics before and the evaluation after them may be on the ledger
LOOK_AGAIN_S = 0.5
WATCH_S = 60.0
ENDS = frozenset({"training.settled", "training.refunded", "training.ended"})
PAYS = frozenset({"training.round_paid", "training.bonus_paid"})
NOT_ASKED, OTHER_JOB, NOT_OFFERED = "not_asked", "other_job", "lot_not_offered"
PRICE_CHANGED, ROUNDS_DIFFER, JOB_DIFFERS = "price_changed", "rounds_differ", "job_differs"
DEADLINE_DIFFERS, DEADLINE_PASSED = "deadline_differs", "accept_passed"
Orders = ParticipationOrder.State
HOLDS = Q(state=Orders.ACCEPTED) | Q(state=Orders.ENDED, code=OUTCOME_ALL_ROUNDS)


def trainings_follow(household: Household, connection: Connection, cursor: LearningCursor) -> None:
    """Note the licences that were paid on own lots since the last time, and how others ended.

    The caller holds the cursor's lease and writes its new place down when this has returned.
    """
    page = connection.market.events(cursor.shared_after)
    for event in page.events:
        if event.kind == "training.funded":
            _note(household, event)
        elif event.kind in ENDS or event.kind in PAYS:
            orders = ParticipationOrder.objects.using(HOME).filter(household=household, state=Orders.ACCEPTED)
            orders.filter(order_id__in=_ids(event)).update(next_try_at=timezone.now())
    cursor.shared_after = max(cursor.shared_after, page.up_to_height)


def order_step(order: ParticipationOrder, connection: Connection) -> None:
    """The licence's next step. The caller holds the lease."""
    if order.state == Orders.NOTED:
        _verify(order, connection)
    elif order.state == Orders.AGREED:
        _accept(order, connection)
    elif order.state == Orders.ACCEPTED:
        _watch(order, connection)
    elif order.state == Orders.DECLINING:
        _decline(order, connection)


def _note(household: Household, event: MarketEvent) -> None:
    """Keep the hint that a transaction paid for a licence on an own lot; subjects come in no certain order."""
    ids = _ids(event)
    for lot in Lot.objects.using(HOME).filter(household=household, lot_id__in=ids):
        orders = {training_order_id_of(job, bytes(lot.lot_id)) for job in ids} & set(ids)
        for order_id in orders:
            ParticipationOrder.objects.using(HOME).get_or_create(
                order_id=order_id, defaults={"household": household, "lot": lot, "fund_tx_id": event.tx_id}
            )


def _verify(order: ParticipationOrder, connection: Connection) -> None:
    """Take the terms from the receipt of the transaction that paid, and compare them with what was agreed to."""
    proof = connection.market.proof(bytes(order.fund_tx_id))
    tx, lot_id = proof.signed.tx, bytes(order.lot.lot_id)
    fund = decode(FundTraining, tx.args) if tx.call == FUND_TRAINING and not proof.receipt.code else None
    buyer = address_of(tx.sender)
    job = job_id_of(buyer, fund.plan, fund.nonce) if fund is not None else b""
    line = next((line for line in fund.lines if line.lot_id == lot_id), None) if fund is not None else None
    if fund is None or line is None or training_order_id_of(job, lot_id) != bytes(order.order_id):
        ParticipationOrder.objects.using(HOME).filter(pk=order.pk).delete()
        return
    rows = Participation.objects.using(HOME).filter(household=order.household, plan_hash=fund.plan, enterprise=buyer)
    row = rows.first()
    code = _refusal(row, fund, line, job, connection.market.head().time_ms)
    advance(
        order,
        using=HOME,
        state=Orders.DECLINING if code else Orders.AGREED,
        code=code,
        participation=row,
        price=line.price,
        rounds=fund.rounds,
        deadline_ms=fund.deadline_ms,
    )
    if not code:
        rows.filter(state=State.PEERED).update(next_try_at=timezone.now())


def _refusal(row: Participation | None, fund: FundTraining, line: TrainingLine, job: bytes, now_ms: int) -> str:
    """Why the licence is not what the home agreed to; empty if it is."""
    if row is None or row.state not in IN_JOB or row.leaving:
        return NOT_ASKED
    if bytes(row.job) != job:
        return OTHER_JOB
    offered = row.offered.get(line.lot_id.hex())
    if offered is None:
        return NOT_OFFERED
    if offered != line.price:
        return PRICE_CHANGED
    rounds = plan_of(row).rounds
    if not rounds <= fund.rounds <= rounds + ROUNDS_MORE:
        return ROUNDS_DIFFER
    return DEADLINE_PASSED if fund.deadline_ms <= now_ms else ""


def _accept(order: ParticipationOrder, connection: Connection) -> None:
    """Accept once the job stands on the service-model ledger as agreed; the mailbox is open for it since the offer."""
    row = order.participation
    assert row is not None
    if row.state not in IN_JOB or row.leaving:
        advance(order, using=HOME, state=Orders.DECLINING, code=TOLD)
        return
    training = connection.trainings.training_row(bytes(order.order_id))
    if connection.market.head().time_ms > training.accept_until_ms:
        _end(order, training.outcome or DEADLINE_PASSED)
        return
    try:
        job = connection.models.job(bytes(row.job))
    except NotFound:
        wait(order, using=HOME, seconds=LOOK_AGAIN_S)
        return
    code = _job_refusal(row, order, job)
    if code:
        advance(order, using=HOME, state=Orders.DECLINING, code=code)
        return
    args = AcceptTraining(order_id=bytes(order.order_id))
    proof = send_once(order, "accept_raw", payee_of(order.lot, connection.market), "market.accept_training", args)
    if proof.receipt.code not in ("", "training_not_funded"):
        _end(order, proof.receipt.code)
        return
    with transaction.atomic(using=HOME):
        advance(order, using=HOME, state=Orders.ACCEPTED, again_in_s=WATCH_S)
        facts = {"order": str(order.pk), "price": order.price}
        activity_note(
            household=order.household, kind="learning.licence", topic=TOPIC, device=order.lot.device, facts=facts
        )


def _job_refusal(row: Participation, order: ParticipationOrder, job: JobRow) -> str:
    """The job on the service-model ledger must be the one that the licence was paid for, with the plan's own terms."""
    plan = plan_of(row)
    limit = 0 if plan.privacy is None else plan.privacy.epsilon_micro
    same = (job.plan, job.enterprise, job.task, job.epsilon_limit_micro) == (
        bytes(row.plan_hash), bytes(row.enterprise), row.task, limit,
    )  # fmt: skip
    if not same or job.job != bytes(row.job) or job.status != JOB_OPEN:
        return JOB_DIFFERS
    if job.deadline_ms != order.deadline_ms:
        return DEADLINE_DIFFERS
    return "" if job.rounds == order.rounds else ROUNDS_DIFFER


def _watch(order: ParticipationOrder, connection: Connection) -> None:
    """See what rounds have paid, and whether the licence has ended."""
    reward_note(order, connection)
    training = connection.trainings.training_row(bytes(order.order_id))
    if training.outcome:
        _end(order, training.outcome)
    else:
        wait(order, using=HOME, seconds=WATCH_S)


def _decline(order: ParticipationOrder, connection: Connection) -> None:
    """Give the licence back, once what it has earned is claimed. The ledger reads one word, which says nothing."""
    waiting = ParticipationClaim.objects.using(HOME).filter(order=order, state=ParticipationClaim.State.WAITING)
    if waiting.exists():
        wait(order, using=HOME, seconds=LOOK_AGAIN_S)
        return
    args = DeclineTraining(order_id=bytes(order.order_id), code=TOLD)
    proof = send_once(order, "decline_raw", payee_of(order.lot, connection.market), "market.decline_training", args)
    _end(order, order.code or proof.receipt.code)


def reward_of(training: TrainingRow) -> int:
    """What a licence has brought its payee so far, in credits."""
    return training.released - training.fee_within(training.released)


def reward_note(order: ParticipationOrder, connection: Connection) -> None:
    """Note what the licence has brought by now, also on its lot, whoever handed the receipts in."""
    reward = reward_of(connection.trainings.training_row(bytes(order.order_id)))
    with transaction.atomic(using=HOME):
        before = ParticipationOrder.objects.using(HOME).values_list("reward", flat=True).get(pk=order.pk)
        mine = ParticipationOrder.objects.using(HOME).filter(pk=order.pk, reward=before)
        if reward > before and mine.update(reward=reward) == 1:
            lot_credit(order, reward - before)


def lot_credit(order: ParticipationOrder, amount: int) -> None:
    """The lot's payee has so much more."""
    lots = Lot.objects.using(HOME).filter(pk=order.lot_id)
    lots.update(earned=F("earned") + amount, balance=F("balance") + amount, balance_checked_at=None)
    facts = {"order": str(order.pk), "reward": amount}
    activity_note(
        household=order.household, kind="learning.reward", topic="wallet", device=order.lot.device, facts=facts
    )


def _end(order: ParticipationOrder, code: str) -> None:
    advance(order, using=HOME, state=Orders.ENDED, code=code[:48], ended_at=timezone.now())


def _ids(event: MarketEvent) -> list[bytes]:
    return [subject for subject in event.subjects if len(subject) == ID_BYTES]
