"""One round of everything that training jobs need."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from enterprises.checkout.models import BuyerTransaction, Enterprise
from enterprises.checkout.outbox import wallet_send
from enterprises.training.desk import desk_of
from enterprises.training.machine import step_of
from enterprises.training.mail import mail_take
from enterprises.training.models import JobPeer, TrainingJob
from enterprises.training.moves import State, Winding
from enterprises.training.ports import Desk, Post
from fedlearn.runtime.errors import NodeBusy
from fedlearn.runtime.names import identity_check, tag_of
from marketplace.common.errors import HearthError
from marketplace.common.work import LEASE_S, claim, due, leased

log = logging.getLogger(__name__)
RUN_S: Final = 5.0
ROUNDS_MAX: Final = 100
JOBS_AT_ONCE: Final = 20
WAITING: Final = (BuyerTransaction.State.QUEUED, BuyerTransaction.State.SIGNED)


class LedgerPins:
    """The fingerprints that the ledger named for the homes of an enterprise's jobs, as they were verified."""

    def __init__(self, enterprise: Enterprise) -> None:
        self._enterprise = enterprise

    def get(self, peer: str, /) -> str | None:
        """See ``Pins``."""
        rows = JobPeer.objects.filter(job__enterprise=self._enterprise, address=tag_of(identity_check(peer)))
        return rows.exclude(channel="").order_by("-pk").values_list("channel", flat=True).first()


def jobs_open() -> QuerySet[TrainingJob]:
    """Jobs with something left to do by themselves."""
    return TrainingJob.objects.exclude(state=State.DRAFT).exclude(winding=Winding.DONE)


def training_advance(*, run_s: float = RUN_S) -> int:
    """Take the jobs of all enterprises further for about ``run_s`` seconds; returns how many steps there were."""
    until = time.monotonic() + run_s
    done = 0
    owners = jobs_open().values_list("enterprise", flat=True).distinct()
    for enterprise in Enterprise.objects.select_related("wallet").filter(pk__in=list(owners)):
        if time.monotonic() >= until:
            break
        try:
            done += enterprise_advance(desk_of(enterprise), until)
        except HearthError as fault:  # one enterprise's trouble does not keep the others from their work
            log.warning("training of enterprise %s: %s", enterprise.pk, fault.code)
    return done


def enterprise_advance(desk: Desk, until: float) -> int:
    """Mail, steps and calls of one enterprise, until nothing is left to do right now or the time is over.

    Nothing is done while another process has the enterprise's node open.
    """
    mine = jobs_open().filter(enterprise=desk.enterprise)
    if not mine.filter(due(timezone.now())).exists() and not _mail_expected(mine):
        return 0
    done = 0
    try:
        with _node(desk) as post:
            mine.update(lease_token=None, lease_until=None)  # whoever held one has died: the node is ours
            for _ in range(ROUNDS_MAX):
                moved = mail_take(desk, post, until) + _steps(desk, post, mine)
                moved += _calls(desk)
                done += moved
                if not moved or time.monotonic() >= until:
                    break
    except NodeBusy:
        log.debug("another process has the node of %s open", desk.enterprise.pk)
    return done


def _steps(desk: Desk, post: Post, mine: QuerySet[TrainingJob]) -> int:
    rows = claim(mine, using="enterprise", limit=JOBS_AT_ONCE, lease_s=5 * LEASE_S)
    for job in rows:
        with leased(job, using="enterprise"):
            step_of(job)(desk, post, job)
    return len(rows)


def _calls(desk: Desk) -> int:
    if not BuyerTransaction.objects.filter(wallet=desk.enterprise.wallet, state__in=WAITING).exists():
        return 0
    return wallet_send(desk.market, desk.enterprise.wallet.pk)


def _mail_expected(mine: QuerySet[TrainingJob]) -> bool:
    return mine.filter(state__in=(State.GATHERING, State.RUNNING)).exists()


@contextmanager
def _node(desk: Desk) -> Iterator[Post]:
    with desk.post(LedgerPins(desk.enterprise)) as post:
        yield post
