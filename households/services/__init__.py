"""Writes of the home role, one module for each thing that changes. Here: what the follower calls."""

from __future__ import annotations

from importlib import import_module

from django.core.cache import cache

NUDGE_KEY = "hearth:home:market-nudge"
NUDGE_KEPT_S = 5


def market_event_nudge() -> None:
    """The shared ledger has a new block: let a worker look. While one such nudge waits, no other is queued."""
    if cache.add(NUDGE_KEY, 1, timeout=NUDGE_KEPT_S):
        import_module("households.tasks").market_event_nudge.delay()
