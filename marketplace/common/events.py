"""Live events: what services tell open pages, once their transaction has committed.

An event says that something of a kind changed and carries ids only; the page fetches what it shows by itself, through a
view that checks who asks. Delivery is best effort: a page that missed one catches up at its next event or reload.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

MESSAGE_TYPE = "live.event"
SEND_TIMEOUT_S = 5.0
_sender: tuple[int, asyncio.AbstractEventLoop] | None = None
_sender_lock = threading.Lock()


def owner_group(user_id: int) -> str:
    """The group of one home owner's pages."""
    return f"owner.{user_id}"


def enterprise_group(enterprise_id: int) -> str:
    """The group of one enterprise's pages."""
    return f"enterprise.{enterprise_id}"


def publish(group: str, kind: str, data: dict[str, Any], using: str | None = None) -> None:
    """Send ``kind`` with ``data`` (ids only) to the pages of ``group`` when the transaction of ``using`` commits.

    ``using`` is the alias of the database that was written; None sends at once. Call it from synchronous code.
    """
    if using is None:
        _send(group, kind, data)
    else:
        transaction.on_commit(lambda: _send(group, kind, data), using=using)


def group_send(group: str, message: dict[str, Any]) -> None:
    """Send a channel-layer message from synchronous code and wait until the broker has it.

    One event loop in a thread of its own serves the process: a loop for each message, as ``async_to_sync`` makes where
    none runs, would also open a connection for each.

    Raises:
        OSError, RedisError: the broker is away.
    """
    layer = get_channel_layer()
    if layer is None:
        return
    if isinstance(layer, InMemoryChannelLayer):  # its queues belong to the loop of those who listen
        async_to_sync(layer.group_send)(group, message)
        return
    asyncio.run_coroutine_threadsafe(layer.group_send(group, message), _sender_loop()).result(SEND_TIMEOUT_S)


def _sender_loop() -> asyncio.AbstractEventLoop:
    """The loop that sends for this process; a forked child gets its own."""
    global _sender
    with _sender_lock:
        if _sender is None or _sender[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="events", daemon=True).start()
            _sender = (os.getpid(), loop)
        return _sender[1]


def _send(group: str, kind: str, data: dict[str, Any]) -> None:
    try:
        group_send(group, {"type": MESSAGE_TYPE, "kind": kind, "data": data})
    except (OSError, RedisError) as error:
        log.warning("live event %s not sent: %s", kind, type(error).__name__)
