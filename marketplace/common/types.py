"""Small types and conversions that several apps share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

Milliseconds = NewType("Milliseconds", int)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime, as ledgers count time."""
    return int(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC datetime of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
