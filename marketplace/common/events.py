"""Live events: what services tell open pages, once their transaction has committed.

An event says that something of a kind changed and carries ids only; the page fetches what it shows by itself, through a
view that checks who asks. Delivery is best effort: a page that missed one catches up at its next event or reload.
"""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

MESSAGE_TYPE = "live.event"


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


def _send(group: str, kind: str, data: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group, {"type": MESSAGE_TYPE, "kind": kind, "data": data})
    except (OSError, RedisError) as error:
        log.warning("live event %s not sent: %s", kind, type(error).__name__)
