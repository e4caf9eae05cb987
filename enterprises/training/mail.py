"""The mail of an enterprise's node: offers of homes, and their messages in rounds.

A letter is done with when the next one is read, so what follows from it is written down before.
"""

from __future__ import annotations

import logging
import time

from django.utils import timezone

from chain.core.codec import decode
from enterprises.training.models import JobPeer, TrainingJob
from enterprises.training.moves import State, tell
from enterprises.training.ports import Desk, Post
from enterprises.training.records import record_open, record_write
from fedlearn.runtime.jobs import RUNNING, JobRecord, job_take
from fedlearn.runtime.names import round_of, tag_of
from fedlearn.runtime.offers import LotsOffer, offer_of_hub
from fedlearn.runtime.ports import Incoming
from marketplace.common.errors import HearthError, Unavailable

log = logging.getLogger(__name__)
Records = dict[int, tuple[TrainingJob, JobRecord]]


def mail_take(desk: Desk, post: Post, until: float) -> int:
    """Read what waits, as far as the time reaches; returns how many letters there were.

    A letter that says nothing sensible is dropped with a line in the log. Raises ``StoreUnavailable`` only where even
    that could not be found out.
    """
    open_records: Records = {}
    taken = 0
    for incoming in post.receive():
        try:
            _take(desk, incoming, open_records)
        except Unavailable:
            raise
        except HearthError as fault:
            log.warning("dropped %s of %s: %s", incoming.path, incoming.peer, fault.code)
        taken += 1
        if time.monotonic() >= until:
            post.ack(incoming)
            break
    # What came may end a stage: those jobs have their step at once.
    TrainingJob.objects.filter(pk__in=list(open_records)).update(next_try_at=timezone.now())
    return taken


def _take(desk: Desk, incoming: Incoming, open_records: Records) -> None:
    rows = JobPeer.objects.select_related("job").filter(job__enterprise=desk.enterprise)
    peer = rows.filter(address=tag_of(incoming.peer)).order_by("-pk").first()
    if peer is None:
        log.warning("dropped %s: no job knows %s", incoming.path, incoming.peer)
        return
    if incoming.path == offer_of_hub(peer.job.ledger_job):
        _offer_take(peer, decode(LotsOffer, incoming.data))
        return
    place = round_of(incoming.path)
    if place is None or place[0] != peer.job.ledger_job or peer.job.state != State.RUNNING:
        log.warning("dropped %s of %s: it fits no round", incoming.path, incoming.peer)
        return
    job, record = open_records.get(peer.job_id) or (peer.job, record_open(peer.job))
    if record.phase != RUNNING:
        return
    record = job_take(record, incoming.peer, incoming.path.rsplit("/", 1)[1], incoming.data, place[1])
    record_write(job, record, received_bytes=job.received_bytes + len(incoming.data))
    open_records[job.pk] = (job, record)


def _offer_take(peer: JobPeer, offer: LotsOffer) -> None:
    """Note the lots that a home offers; what they cost is looked up in the next step."""
    if offer.job.hex() != peer.job.ledger_job:
        return
    lots = [{"lot": lot.hex()} for lot in dict.fromkeys(offer.lots)]
    changes = {"lots": lots, "state": JobPeer.State.OFFERED}
    if not lots:
        changes = {"state": JobPeer.State.LEFT_OUT, "reason": "no_lots"}
    asked = JobPeer.objects.filter(pk=peer.pk, state=JobPeer.State.APPROVED)
    if asked.update(**changes):
        tell(peer.job)
