"""Versions of models: what a completed round left, the one that is offered, and their lineage."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from chain.contracts.service_models import errors as refused
from chain.contracts.service_models.jobs import job_get
from chain.contracts.service_models.rows import (
    CURRENT,
    ROUNDS,
    VERSIONS,
    CurrentRow,
    JobRow,
    Publish,
    Rollback,
    VersionRow,
    Withdraw,
    round_key,
    version_id_of,
)
from chain.contracts.service_models.services import accreditation_require
from chain.core.state import State
from chain.core.types import Context, Event


def version_get(state: State, version: bytes) -> VersionRow:
    """A version by its id; raises ``VersionUnknown``."""
    row = state.get(VERSIONS, version)
    if row is None:
        raise refused.VersionUnknown
    return row


def models_of(state: State, service: bytes) -> Iterator[VersionRow]:
    """The current version of each enterprise that serves the service, in the order of their addresses."""
    for key, current in state.scan(CURRENT, service):
        if not key.startswith(service):
            return
        yield version_get(state, current.version)


def lineage_of(state: State, version: bytes, limit: int = 64) -> list[VersionRow]:
    """A version and those before it, newest first, at most ``limit``; raises ``VersionUnknown``."""
    found = [version_get(state, version)]
    while found[-1].previous and len(found) < limit:
        found.append(version_get(state, found[-1].previous))
    return found


def publish(ctx: Context, state: State, args: Publish) -> tuple[Event, ...]:
    """The enterprise publishes what a round of its job left; it is its current version for the service from now on."""
    job = job_get(state, args.job)
    if ctx.sender_key != job.enterprise_key:
        raise refused.NotTheJobsEnterprise
    accreditation_require(ctx, state)
    row = _row(ctx, state, args, job)
    if state.get(VERSIONS, row.version) is not None:
        raise refused.VersionExists
    if any(first.name >= second.name for first, second in pairwise(args.metrics)):
        raise refused.MetricsInvalid
    if args.previous:
        _require_previous(state, row)
    state.put(VERSIONS, row.version, row)
    state.put(CURRENT, row.service + row.enterprise, CurrentRow(version=row.version))
    return (_event("version.published", row),)


def rollback(ctx: Context, state: State, args: Rollback) -> tuple[Event, ...]:
    """The enterprise offers another of its versions for the service."""
    row = _of_sender(ctx, state, args.version)
    key = row.service + row.enterprise
    current = state.get(CURRENT, key)
    if current is not None and current.version == row.version:
        raise refused.VersionCurrent
    state.put(CURRENT, key, CurrentRow(version=row.version))
    return (_event("version.rolled_back", row),)


def withdraw(ctx: Context, state: State, args: Withdraw) -> tuple[Event, ...]:
    """The enterprise offers a version no more; was it the current one, it has none until a rollback or a new one."""
    row = _of_sender(ctx, state, args.version)
    if not args.reason:
        raise refused.ReasonInvalid
    row = msgspec.structs.replace(row, withdrawn=args.reason)
    state.put(VERSIONS, row.version, row)
    key = row.service + row.enterprise
    current = state.get(CURRENT, key)
    if current is not None and current.version == row.version:
        state.delete(CURRENT, key)
    return (_event("version.withdrawn", row),)


def _row(ctx: Context, state: State, args: Publish, job: JobRow) -> VersionRow:
    done = state.get(ROUNDS, round_key(job.job, args.number))
    if done is None:
        raise refused.RoundUnknown
    if args.parameters != done.model_after:
        raise refused.ParametersMismatch
    return VersionRow(
        version=version_id_of(job.job, args.number, args.parameters),
        service=job.service,
        enterprise=ctx.sender,
        job=job.job,
        plan=job.plan,
        number=args.number,
        parameters=args.parameters,
        previous=args.previous,
        card=args.card,
        metrics=args.metrics,
        object_id=args.object_id,
        size_bytes=args.size_bytes,
        participants=done.survivors,
        leaf_count=done.leaf_count,
        root=done.root,
        epsilon_micro=done.epsilon_micro,
        published_ms=ctx.time_ms,
    )


def _require_previous(state: State, row: VersionRow) -> None:
    before = state.get(VERSIONS, row.previous)
    if before is None or (before.service, before.enterprise) != (row.service, row.enterprise):
        raise refused.PreviousInvalid


def _of_sender(ctx: Context, state: State, version: bytes) -> VersionRow:
    row = version_get(state, version)
    if ctx.sender != row.enterprise:
        raise refused.NotTheVersionsEnterprise
    if row.withdrawn:
        raise refused.VersionWithdrawn
    return row


def _event(kind: str, row: VersionRow) -> Event:
    return Event(kind=kind, subjects=(row.version, row.service, row.job, row.enterprise))
