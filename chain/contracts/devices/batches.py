"""Batches that a home's quorum let leave."""

from __future__ import annotations

import msgspec

from chain.contracts.devices import errors as refused
from chain.contracts.devices.members import may, membership, membership_put
from chain.contracts.devices.rows import HOME_BATCHES, UPLOAD, BatchRow, CloseBatch
from chain.core.state import State
from chain.core.types import Context, Event


def close_batch(ctx: Context, state: State, args: CloseBatch) -> tuple[Event, ...]:
    """The hub closes a batch, once. Every device whose series leaves must be active and allowed to upload.

    A batch is a block of its own voters: the first one after a ``recover`` ends the time of the lowered labels.
    """
    if ctx.sender_key != ctx.roles.get("hub"):
        raise refused.NotTheHub
    if state.get(HOME_BATCHES, args.batch_id) is not None:
        raise refused.BatchKnown
    if len({lot.series_id for lot in args.lots}) != len(args.lots):
        raise refused.SeriesRepeated
    if not all(may(state, lot.device, UPLOAD) for lot in args.lots):
        raise refused.MayNotUpload
    row = BatchRow(height=ctx.height, time_ms=ctx.time_ms, readings_root=args.readings_root, lots=args.lots)
    state.put(HOME_BATCHES, args.batch_id, row)
    members = membership(state)
    if members.recovering and members.changed_height < ctx.height:
        membership_put(state, msgspec.structs.replace(members, recovering=False))
    return (Event(kind="batch.closed", subjects=(args.batch_id,)),)
