"""Nudges to the workers, on commit. The work itself is rows; a nudge that gets lost is made up for by the sweep."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module

from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from households.models import HOME, Household
from marketplace.common.events import group_send

log = logging.getLogger(__name__)


def agents_group(household_id: object) -> str:
    """The channel group of all agents that are connected to a home."""
    return f"home.{household_id}.agents"


def ledger_nudge(household: Household, in_s: float = 0.0) -> None:
    """Something waits for a block of the device ledger, now or in so many seconds."""
    _enqueue("ledger_advance", household, in_s)


def uploads_nudge(household: Household, in_s: float = 0.0) -> None:
    """A batch or a lot has a next step."""
    _enqueue("uploads_advance", household, in_s)


def hub_nudge(household: Household, in_s: float = 0.0) -> None:
    """The market has news of the home's lots, or an order a next step."""
    _enqueue("hub_advance", household, in_s)


def advice_nudge(household: Household, in_s: float = 0.0) -> None:
    """An inquiry for a service, or an order of one, has a next step."""
    _enqueue("advice_advance", household, in_s)


def agents_poke(household: Household, what: str) -> None:
    """Tell the connections of the home's agents to look again: at ``proposal``, ``block``, ``member`` or
    ``settings``."""
    message = {"type": "agents.poke", "what": what}
    send = partial(group_send, agents_group(household.pk), message)
    transaction.on_commit(lambda: _best_effort(send), using=HOME)


def _enqueue(task: str, household: Household, in_s: float) -> None:
    def send() -> None:
        found = getattr(import_module("households.tasks"), task)
        if in_s <= 0:
            found.delay(str(household.pk))
        elif cache.add(f"hearth:later:{task}:{household.pk}", 1, timeout=max(1, round(in_s))):
            found.apply_async((str(household.pk),), countdown=in_s)  # one such nudge is enough

    transaction.on_commit(lambda: _best_effort(send), using=HOME)


def _best_effort(send: Callable[[], None]) -> None:
    try:
        send()
    except (OSError, RedisError, OperationalError) as error:
        log.warning("nudge not sent: %s", type(error).__name__)
