"""What the home's rows become when a block of its device ledger is final. The block is the truth; this may run
again."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction
from django.utils import timezone

from chain.core.blocks import header_hash
from chain.core.codec import encode
from chain.core.types import Block
from chain.crypto.x509 import certificate_read
from chain.engine.ledger import Ledger
from chain.exchange.certificate import certificate_new
from households.consensus.batch import BatchTerms, terms_parse
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.membership import Membership
from households.consensus.proposal import proposal_parse
from households.consensus.replica import Replica
from households.consensus.round import Round
from households.consensus.score import Score, score_update, should_quarantine
from households.consensus.tally import APPROVED, BatchOutcome
from households.models import HOME, Batch, BlockProposal, Device, Household, Lot, MembershipChange
from households.services.activity import activity_note
from households.services.devices import device_quarantine
from households.services.members import members_project
from households.services.nudges import agents_poke, ledger_nudge, uploads_nudge
from households.services.requeue import proposal_requeue
from households.uploads.services.counts import rejected_count, series_readings
from marketplace.common.errors import HearthError
from marketplace.common.types import from_ms


def block_finish(row: BlockProposal, ledger: Ledger, *, before: Membership | None) -> bool:
    """Bring the home's rows up to the block at the proposal's height; True, since the proposal is no longer open.

    ``before`` are the members before the block; without it (after a crash) they are found by replaying the ledger.
    """
    block = ledger.store.block(row.height)
    if block is None or header_hash(block.header) != bytes(row.block_hash):
        _overtaken(row)
        return True
    household = row.household
    if row.kind == BlockProposal.Kind.BATCH:
        _batch_certified(row, ledger, block, before or _members_before(ledger, row.height))
    else:
        _change_done(row, block)
    members_project(household=household, state=ledger.state)
    with transaction.atomic(using=HOME):
        mine = BlockProposal.objects.using(HOME).filter(pk=row.pk, state=BlockProposal.State.OPEN)
        if mine.update(state=BlockProposal.State.FINAL, ended_at=timezone.now()):
            Household.objects.using(HOME).filter(pk=household.pk).update(quorum_lost_at=None)
            agents_poke(household, "block")
            ledger_nudge(household)
            uploads_nudge(household)
    return True


def _change_done(row: BlockProposal, block: Block) -> None:
    code = block.receipts[0].code
    state = MembershipChange.State.REFUSED if code else MembershipChange.State.DONE
    if row.change is None:
        return
    with transaction.atomic(using=HOME):
        changes = MembershipChange.objects.using(HOME).filter(pk=row.change.pk)
        open_states = (MembershipChange.State.QUEUED, MembershipChange.State.PROPOSED)
        if not changes.filter(state__in=open_states).update(state=state, code=code):
            return
        change = changes.select_related("device").get()
        if not code and change.fresh_certificate and change.device is not None:
            read = certificate_read(bytes(change.fresh_certificate))
            Device.objects.using(HOME).filter(pk=change.device.pk).update(
                certificate=bytes(change.fresh_certificate),
                certificate_until=from_ms(read.not_after_ms),
                failure_domain=read.failure_domain,
            )
        activity_note(
            household=row.household, kind=change.call + (".refused" if code else ""), topic="devices",
            device=change.device, facts={"height": row.height, "code": code},
        )  # fmt: skip
        agents_poke(row.household, "member")


def _batch_certified(row: BlockProposal, ledger: Ledger, block: Block, before: Membership) -> None:
    batch = Batch.objects.using(HOME).get(household=row.household, batch_id=bytes(row.batch_id))
    if batch.state != Batch.State.PROPOSED:
        return
    proposal = proposal_parse(bytes(row.signed))
    terms = terms_parse(bytes(batch.terms))
    found = Round(proposal, before.validators, terms)
    for vote in block.commit.votes:
        found.add(vote)
    outcome = found.outcome(before, DEFAULT_CONFIG)
    if outcome is None:
        return
    certificate = certificate_new(ledger.genesis_hash, block.header, before.validators, block.commit.votes)
    rejected = [entry for entry in outcome.series if entry.status != APPROVED]
    # Lots that are sealed again were judged with their own batch: nothing counts against a device twice.
    counts = series_readings(batch) if batch.source_id is None else {}
    with transaction.atomic(using=HOME):
        certified = (
            Batch.objects.using(HOME)
            .filter(pk=batch.pk, state=Batch.State.PROPOSED)
            .update(
                state=Batch.State.CERTIFIED,
                height=row.height,
                label=outcome.label,
                voters=outcome.voters,
                certificate=encode(certificate),
                series_rejected=len(rejected),
                readings_rejected=sum(counts.get((entry.device_id, entry.quantity), 0) for entry in rejected),
            )
        )
        if certified != 1:
            return  # another worker has counted this batch; twice would put a device into quarantine too early
        _lots_certified(batch, outcome, before, terms)
        if batch.source_id is None:
            rejected_count(batch, rejected, counts)
            _scores(row.household, outcome)
        activity_note(
            household=row.household, kind="batch.certified", topic="uploads",
            facts={"batch": batch.number, "label": outcome.label, "rejected": len(rejected)},
        )  # fmt: skip


def _lots_certified(batch: Batch, outcome: BatchOutcome, before: Membership, terms: BatchTerms) -> None:
    """Approved series go on, the others stay at home; a lot that the terms no longer share is given up."""
    shared = {entry.series_id for entry in terms.series if entry.lot is not None}
    by_id = {entry.series_id: entry for entry in outcome.series}
    for lot in Lot.objects.using(HOME).filter(batch=batch, state=Lot.State.PLANNED):
        entry = by_id.get(bytes(lot.series_id))
        mine = Lot.objects.using(HOME).filter(pk=lot.pk, state=Lot.State.PLANNED)
        if entry is None or entry.status != APPROVED or bytes(lot.series_id) not in shared:
            code = entry.reason if entry is not None and entry.reason else lot.reject_code or "not_shared"
            mine.update(state=Lot.State.REJECTED, reject_code=code, chunks=b"")
            continue
        mine.update(
            state=Lot.State.CERTIFIED,
            support=entry.support,
            comparable=b"".join(before.speakers(entry.device_id, entry.quantity, DEFAULT_CONFIG)),
        )


def _scores(household: Household, outcome: BatchOutcome) -> None:
    """Keep each device's standing; who is rejected again and again goes into quarantine."""
    judged: dict[bytes, list[int]] = defaultdict(lambda: [0, 0])
    for entry in outcome.series:
        if entry.status == APPROVED:
            judged[entry.device_id][0] += 1
        elif entry.counts_against:
            judged[entry.device_id][1] += 1
    for device in Device.objects.using(HOME).filter(household=household, device_id__in=list(judged)):
        approved, rejected = judged[bytes(device.device_id)]
        score = score_update(Score(device.score_good, device.score_bad, device.score_bad_run), approved, rejected)
        Device.objects.using(HOME).filter(pk=device.pk).update(
            score_good=score.good, score_bad=score.bad, score_bad_run=score.bad_run
        )
        if should_quarantine(score) and device.status == Device.Status.ACTIVE:
            _quarantine(device)


def _quarantine(device: Device) -> None:
    try:
        device_quarantine(device=device, reason="rejected_repeatedly")
    except HearthError as error:
        activity_note(
            household=device.household, kind="quarantine.postponed", topic="devices", device=device,
            facts={"code": error.code},
        )  # fmt: skip


def _overtaken(row: BlockProposal) -> None:
    """Another block stands at this height (a recovery): what was proposed is proposed again."""
    with transaction.atomic(using=HOME):
        mine = BlockProposal.objects.using(HOME).filter(pk=row.pk, state=BlockProposal.State.OPEN)
        if mine.update(state=BlockProposal.State.VOID, ended_at=timezone.now()):
            proposal_requeue(row)


def _members_before(ledger: Ledger, height: int) -> Membership:
    replica = Replica(encode(ledger.genesis))
    for number, raw in ledger.store.rows():
        if number >= height:
            break
        replica.take(raw)
    return replica.members
