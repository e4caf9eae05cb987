"""What the board tells those who listen on ``/ws/v1/market/board``: that there is something to look at, not what."""

from __future__ import annotations

import logging
from typing import Final

from django.db import transaction
from redis.exceptions import RedisError

from enterprises.board.models import Owner
from enterprises.partners.models import HubAccount
from marketplace.common.events import group_send

log = logging.getLogger(__name__)

NOTICES: Final = "market.board.notices"
NOTICE, MAIL = "training.notice", "mail"
MESSAGE: Final = "board.event"


def owner_group(owner: Owner) -> str:
    """The group of the bearers of one account's token."""
    return f"market.board.{'hub' if isinstance(owner, HubAccount) else 'organisation'}.{owner.pk}"


def notice_event() -> None:
    """The list of notices has changed, once the transaction commits: every participant hears it."""
    _publish(NOTICES, NOTICE)


def mail_event(owner: Owner) -> None:
    """Something came for one of the owner's pseudonyms, once the transaction commits: nobody else hears it."""
    _publish(owner_group(owner), MAIL)


def _publish(group: str, kind: str) -> None:
    transaction.on_commit(lambda: _send(group, kind), using="market")


def _send(group: str, kind: str) -> None:
    try:
        group_send(group, {"type": MESSAGE, "kind": kind, "group": group})
    except (OSError, RedisError) as error:
        log.warning("event %s not sent: %s", kind, type(error).__name__)
