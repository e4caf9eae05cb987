"""Wake the workers: a Celery task is sent, and if no broker answers the sweep does the work two seconds later.

And wake the pages of somebody who has just become a member.
"""

from __future__ import annotations

import logging

from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from marketplace.common.events import publish

log = logging.getLogger(__name__)


def newcomer_group(user_id: int) -> str:
    """The group of the pages of an enterprise account that acts for no enterprise yet."""
    return f"enterprise.newcomer.{user_id}"


def nudge_newcomer(user_id: int) -> None:
    """The user acts for an enterprise once the transaction has committed: the registration page goes on by itself."""
    publish(newcomer_group(user_id), "membership.changed", {}, using="enterprise")


def nudge_buyer() -> None:
    """There is something to do for an enterprise's purchases."""
    _send("enterprises.tasks.buyer_advance")


def nudge_training() -> None:
    """There is something to do for an enterprise's training jobs."""
    _send("enterprises.tasks.training_advance")


def nudge_offers() -> None:
    """There is something to do for an enterprise's offers, or for homes' orders of them."""
    _send("enterprises.tasks.offers_advance")


def nudge_market() -> None:
    """There is something to do for the market's index."""
    _send("enterprises.tasks.catalog_follow")


def market_event_nudge() -> None:
    """The shared ledger has a new block: hook of the follower, for each role that this deployment plays."""
    if "market" in settings.HEARTH_ROLES:
        nudge_market()
    if "enterprise" in settings.HEARTH_ROLES:
        nudge_buyer()


def market_tokens() -> list[str]:
    """The tokens under which this node's enterprises hear of their mail: hook of the follower."""
    from enterprises.checkout.models import Enterprise
    from enterprises.checkout.wallets import market_token

    return [token for enterprise in Enterprise.objects.all() if (token := market_token(enterprise))]


def _send(task: str) -> None:
    try:
        current_app.send_task(task, expires=10)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("nudge %s not sent: %s", task, type(error).__name__)
