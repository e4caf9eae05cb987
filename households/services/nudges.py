"""Nudges to the workers, on commit. The work itself is rows; a nudge that gets lost is made up for by the sweep."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from households.models import HOME, Household

log = logging.getLogger(__name__)


def agents_group(household_id: object) -> str:
    """The channel group of all agents that are connected to a home."""
    return f"home.{household_id}.agents"


def ledger_nudge(household: Household) -> None:
    """Something waits for a block of the device ledger."""
    _enqueue("ledger_advance", household)


def uploads_nudge(household: Household) -> None:
    """A batch or a lot has a next step."""
    _enqueue("uploads_advance", household)


def hub_nudge(household: Household) -> None:
    """The market has news of the home's lots, or an order a next step."""
    _enqueue("hub_advance", household)


def agents_poke(household: Household, what: str) -> None:
    """Tell the connections of the home's agents to look again: at ``proposal``, ``block``, ``member`` or ``settings``."""
    group = agents_group(household.pk)

    def send() -> None:
        layer = get_channel_layer()
        if layer is not None:
            async_to_sync(layer.group_send)(group, {"type": "agents.poke", "what": what})

    transaction.on_commit(lambda: _best_effort(send), using=HOME)


def _enqueue(task: str, household: Household) -> None:
    def send() -> None:
        getattr(import_module("households.tasks"), task).delay(str(household.pk))

    transaction.on_commit(lambda: _best_effort(send), using=HOME)


def _best_effort(send: Callable[[], None]) -> None:
    try:
        send()
    except (OSError, RedisError, OperationalError) as error:
        log.warning("nudge not sent: %s", type(error).__name__)
