"""The hub's part in its home's consensus: one proposal at a time, signed once for a height and round, never changed.

The hub proposes, the devices vote. Before there is any voter the owner's key judges membership blocks (protocols.md 1);
a batch never leaves without a device's vote.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from chain.contracts.devices import judges
from chain.contracts.devices.rows import CloseBatch
from chain.core.codec import encode
from chain.core.finality import domain_count, quorum_size
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Validator
from chain.crypto.hashing import address_of
from chain.engine.application import Proposal as Executed
from chain.engine.ledger import Ledger
from chain.wallets.hd import Branch, home_authority, hub_key
from households.consensus.batch import readings_root
from households.consensus.proposal import Proposal, proposal_parse, proposal_sign, void_sign
from households.errors import NothingToVoid
from households.models import HOME, Batch, BlockProposal, Household, Lot, MembershipChange
from households.services.activity import activity_note
from households.services.ledgers import device_ledger
from households.services.nudges import agents_poke, ledger_nudge, uploads_nudge
from households.services.requeue import proposal_requeue
from households.services.secrets import operational_of
from households.uploads.services.contents import batch_lots, batch_segments
from marketplace.common.types import to_ms

TX_VALID_BLOCKS = 10_000
HUB_CALLS = frozenset({"devices.quarantine", "devices.close_batch"})


@dataclass(frozen=True, slots=True)
class Draft:
    """What the hub could propose next: one signed transaction, and the row that it is for."""

    raw: bytes
    kind: BlockProposal.Kind
    change: MembershipChange | None = None
    batch: Batch | None = None


def proposal_next(household: Household) -> BlockProposal | None:
    """Propose the next block if something waits for one and none is open: changes of members before batches."""
    if household.state == Household.State.HALTED or open_proposal(household) is not None:
        return None
    change = MembershipChange.objects.using(HOME).filter(household=household, state="queued").first()
    if change is not None:
        return _propose(household, change=change)
    batch = Batch.objects.using(HOME).filter(household=household, state=Batch.State.PREPARED).order_by("number").first()
    if batch is not None and _has_voters(household):
        return _propose(household, batch=batch)
    return None


def open_proposal(household: Household) -> BlockProposal | None:
    """The proposal that waits for votes, if any."""
    rows = BlockProposal.objects.using(HOME).select_related("change", "household")
    return rows.filter(household=household, state=BlockProposal.State.OPEN).first()


def proposal_void(*, household: Household) -> None:
    """The owner ends the open round; the next one may propose something else. Raises ``NothingToVoid``."""
    row = open_proposal(household)
    if row is None:
        raise NothingToVoid()
    header = proposal_parse(bytes(row.signed)).body.header
    owner = home_authority(operational_of(household)).secret
    signature = void_sign(household.ledger, header.height, row.round, header.previous, owner)
    with transaction.atomic(using=HOME):
        mine = BlockProposal.objects.using(HOME).filter(pk=row.pk, state=BlockProposal.State.OPEN)
        if mine.update(state=BlockProposal.State.VOID, void_signature=signature, ended_at=timezone.now()) != 1:
            raise NothingToVoid()
        proposal_requeue(row)
        activity_note(household=household, kind="proposal.void", topic="uploads", facts={"round": row.round})
        ledger_nudge(household)


def judges_of(ledger: Ledger, proposal: Proposal) -> tuple[Validator, ...]:
    """Who votes on the proposal, by the ledger before it; nobody on its own removal."""
    transactions = [ledger.prepare(raw).tx for raw in proposal.transactions]
    return judges(ledger.genesis, ledger.state, transactions)


def _propose(
    household: Household, *, change: MembershipChange | None = None, batch: Batch | None = None
) -> BlockProposal | None:
    operational = operational_of(household)
    with device_ledger(household) as ledger:
        draft = _draft(household, ledger, operational, change, batch)
        time_ms = max(to_ms(timezone.now()), ledger.time_ms + 1)
        executed = ledger.execute([ledger.prepare(draft.raw)], time_ms, hub_key(operational).public_key)
        code = executed.receipts[0].code
        if code:
            _refused(draft, code)
            return None
        return _write(household, ledger, operational, draft, executed)


def _draft(
    household: Household, ledger: Ledger, operational: Branch, change: MembershipChange | None, batch: Batch | None
) -> Draft:
    if change is not None:
        signer = hub_key(operational) if change.call in HUB_CALLS else home_authority(operational)
        raw = _signed(ledger, signer, change.call, bytes(change.args))
        return Draft(raw, BlockProposal.Kind.MEMBERSHIP, change=change)
    assert batch is not None
    root = readings_root(bytes(batch.terms), batch_segments(batch))
    closing = CloseBatch(batch_id=bytes(batch.batch_id), readings_root=root, lots=batch_lots(batch))
    raw = _signed(ledger, hub_key(operational), "devices.close_batch", encode(closing))
    return Draft(raw, BlockProposal.Kind.BATCH, batch=batch)


def _signed(ledger: Ledger, signer: Branch, call: str, args: bytes) -> bytes:
    tx = tx_new(
        ledger=ledger.genesis.ledger,
        sender=signer.public_key,
        nonce=ledger.next_nonce(address_of(signer.public_key)),
        valid_until=ledger.height + TX_VALID_BLOCKS,
        call=call,
        args=args,
    )
    return encode(tx_sign(tx, signer.secret))


def _write(
    household: Household, ledger: Ledger, operational: Branch, draft: Draft, executed: Executed
) -> BlockProposal | None:
    """Keep the signed proposal before anybody sees it, so that no second one can be signed for this round."""
    height = executed.header.height
    voided = BlockProposal.objects.using(HOME).filter(household=household, height=height, state="void")
    voids = tuple(bytes(row.void_signature) for row in voided.order_by("round"))
    signed = proposal_sign(executed.header, len(voids), executed.transactions, voids, hub_key(operational).secret)
    voters = judges_of(ledger, signed)
    try:
        with transaction.atomic(using=HOME):
            row = BlockProposal.objects.using(HOME).create(
                household=household,
                kind=draft.kind,
                height=height,
                round=len(voids),
                block_hash=executed.block_hash,
                signed=encode(signed),
                batch_id=bytes(draft.batch.batch_id) if draft.batch else b"",
                change=draft.change,
                judges=b"".join(voter.key for voter in voters),
                voters=domain_count(voters),
                needed=quorum_size(domain_count(voters)),
            )
            _mark_proposed(draft, row)
            activity_note(household=household, kind="proposal.sent", topic="uploads", facts={"height": height})
            agents_poke(household, "proposal")
    except IntegrityError:
        return None  # another worker proposed first
    return row


def _mark_proposed(draft: Draft, row: BlockProposal) -> None:
    if draft.change is not None:
        changes = MembershipChange.objects.using(HOME).filter(pk=draft.change.pk, state="queued")
        changes.update(state=MembershipChange.State.PROPOSED)
    if draft.batch is not None:
        batches = Batch.objects.using(HOME).filter(pk=draft.batch.pk, state=Batch.State.PREPARED)
        batches.update(state=Batch.State.PROPOSED, round=row.round)


def _refused(draft: Draft, code: str) -> None:
    """The ledger would refuse the call, so it is not even proposed."""
    with transaction.atomic(using=HOME):
        if draft.change is not None:
            changes = MembershipChange.objects.using(HOME).filter(pk=draft.change.pk, state="queued")
            if changes.update(state=MembershipChange.State.REFUSED, code=code):
                activity_note(
                    household=draft.change.household, kind=f"{draft.change.call}.refused", topic="devices",
                    device=draft.change.device, facts={"code": code},
                )  # fmt: skip
        if draft.batch is not None:
            # A device lost its permission meanwhile: lay the batch out again without its lots.
            batches = Batch.objects.using(HOME).filter(pk=draft.batch.pk, state=Batch.State.PREPARED)
            batches.update(state=Batch.State.CLOSED, terms=b"", last_error_code=code)
            Lot.objects.using(HOME).filter(batch=draft.batch, state=Lot.State.PLANNED).update(reject_code=code)
            uploads_nudge(draft.batch.household)


def _has_voters(household: Household) -> bool:
    with device_ledger(household) as ledger:
        return [validator.key for validator in ledger.validators] != [dict(ledger.genesis.roles)["owner"]]
