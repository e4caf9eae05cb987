"""Work that lasts: rows with a state and a lease.

A row that has something to do derives from ``LeasedRow``. A worker claims it by a conditional UPDATE that writes a
fresh token and a time until which the row is its own; every later write of that worker carries the token in its
condition, so a worker that was thought dead and comes back changes nothing. Celery tasks only call ``claim``; the sweep
every two seconds finds what a killed worker or broker left behind.

    for row in claim(Upload.objects.filter(state=State.CLOSED), using="home", limit=5):
        try:
            step(row)
        except HearthError as error:
            fail(row, error, using="home")
        else:
            advance(row, using="home", state=State.PROPOSED)
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from marketplace.common.errors import Conflict, HearthError

LEASE_S = 60.0
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0


class LeaseLost(Conflict):
    """The row belongs to another worker by now; what this one did must not be written."""

    code = "lease_lost"
    title = "Another worker has taken this work over"


class LeasedRow(models.Model):
    """Abstract: the columns of a lease. ``next_try_at`` says when the row may be claimed again."""

    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    next_try_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)
    last_error_code = models.CharField(max_length=64, blank=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=LeasedRow)


def due(now: datetime) -> Q:
    """The rows that nobody holds and whose time has come."""
    return Q(next_try_at__lte=now) & (Q(lease_until__isnull=True) | Q(lease_until__lte=now))


def claim(rows: QuerySet[Row], *, using: str, limit: int = 1, lease_s: float = LEASE_S) -> list[Row]:
    """Take up to ``limit`` due rows of ``rows`` for ``lease_s`` seconds, longest waiting first.

    The filter of ``rows`` is part of the condition of the UPDATE, so a row whose state has moved on is not taken.
    """
    now = timezone.now()
    taken: list[Row] = []
    manager = rows.model._default_manager.using(using)
    candidates = rows.using(using).filter(due(now)).order_by("next_try_at", "pk").values_list("pk", flat=True)
    for pk in list(candidates[:limit]):
        token = uuid.uuid4()
        changed = (
            rows.using(using)
            .filter(due(now), pk=pk)
            .order_by()
            .update(lease_token=token, lease_until=now + timedelta(seconds=lease_s))
        )
        if changed == 1:
            taken.append(manager.get(pk=pk))
    return taken


def claim_one(rows: QuerySet[Row], *, using: str, lease_s: float = LEASE_S) -> Row | None:
    """Take one due row, or None."""
    taken = claim(rows, using=using, lease_s=lease_s)
    return taken[0] if taken else None


def renew(row: LeasedRow, *, using: str, lease_s: float = LEASE_S) -> None:
    """Hold ``row`` for another ``lease_s`` seconds.

    Raises:
        LeaseLost: another worker has it.
    """
    _write(row, using=using, lease_until=timezone.now() + timedelta(seconds=lease_s))


def advance(row: LeasedRow, *, using: str, again_in_s: float = 0.0, **changes: Any) -> None:
    """Write ``changes`` (the step is done), end the lease and forget earlier failures, in one UPDATE.

    ``again_in_s`` is how long the row rests before it may be claimed for its next step.

    Raises:
        LeaseLost: another worker has it; nothing was written.
    """
    _write(
        row,
        using=using,
        lease_token=None,
        lease_until=None,
        tries=0,
        last_error_code="",
        last_error="",
        next_try_at=timezone.now() + timedelta(seconds=again_in_s),
        **changes,
    )


def wait(row: LeasedRow, *, using: str, seconds: float, **changes: Any) -> None:
    """End the lease without success or failure: what the row waits for is not there yet; look again in ``seconds``.

    Raises:
        LeaseLost
    """
    later = timezone.now() + timedelta(seconds=seconds)
    _write(row, using=using, lease_token=None, lease_until=None, next_try_at=later, **changes)


def fail(row: LeasedRow, error: Exception, *, using: str, **changes: Any) -> None:
    """Note the failure, end the lease, and rest for twice as long as after the failure before.

    Only a ``HearthError`` says its text; of others only the class is kept, since their texts may hold anything.

    Raises:
        LeaseLost
    """
    code, said = (error.code, error.detail) if isinstance(error, HearthError) else ("fault", type(error).__name__)
    _write(
        row,
        using=using,
        lease_token=None,
        lease_until=None,
        tries=F("tries") + 1,
        last_error_code=code[:64],
        last_error=said[:300],
        next_try_at=timezone.now() + timedelta(seconds=backoff_s(row.tries)),
        **changes,
    )
    row.tries += 1


def backoff_s(tries: int) -> float:
    """Seconds to rest after failure number ``tries + 1``: 1, 2, 4, ... at most 300."""
    return float(min(BACKOFF_FIRST_S * 2 ** min(tries, 20), BACKOFF_MAX_S))


@contextmanager
def leased(row: LeasedRow, *, using: str) -> Iterator[None]:
    """Run a step; if it raises a ``HearthError`` that is not ``LeaseLost``, ``fail`` the row and go on.

    Other exceptions are noted on the row as well and then raised: they are faults in the code, and belong in the log.
    """
    try:
        yield
    except LeaseLost:
        return
    except HearthError as error:
        fail(row, error, using=using)
    except Exception as error:
        fail(row, error, using=using)
        raise


def _write(row: LeasedRow, *, using: str, **changes: Any) -> None:
    """The conditional UPDATE of everyone who holds a lease; on success the plain values stand on ``row`` too."""
    mine = type(row)._default_manager.using(using).filter(pk=row.pk, lease_token=row.lease_token)
    if row.lease_token is None or mine.update(**changes) != 1:
        raise LeaseLost()
    for name, value in changes.items():
        if not isinstance(value, models.expressions.Combinable):
            setattr(row, name, value)
