"""What a proposal that ended without a block was for waits again."""

from __future__ import annotations

from households.models import HOME, Batch, BlockProposal, MembershipChange


def proposal_requeue(row: BlockProposal) -> None:
    """Let the change wait for the next round, or lay the batch out again. Inside the caller's transaction."""
    if row.change_id is not None:
        changes = MembershipChange.objects.using(HOME).filter(pk=row.change_id, state="proposed")
        changes.update(state=MembershipChange.State.QUEUED)
    if row.batch_id:
        batches = Batch.objects.using(HOME).filter(household=row.household, batch_id=bytes(row.batch_id))
        batches.filter(state=Batch.State.PROPOSED).update(state=Batch.State.CLOSED, terms=b"")
