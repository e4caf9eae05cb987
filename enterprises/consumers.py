"""The live socket of an enterprise's pages: says that something changed, never what is in it."""

from __future__ import annotations

from enterprises.checkout.selectors import member_of
from enterprises.errors import NotMember
from enterprises.nudges import newcomer_group
from marketplace.accounts.live import LiveConsumer
from marketplace.accounts.models import Kind, User
from marketplace.common.events import enterprise_group


class EnterpriseLive(LiveConsumer):
    """``/ws/v1/enterprise/live``: members hear of their own enterprise's basket, purchases, wallet and registration.

    An account that acts for no enterprise yet hears only that it does from now on.
    """

    def groups_of(self, user: User) -> tuple[str, ...]:
        if user.kind != Kind.ENTERPRISE:
            return ()
        try:
            return (enterprise_group(member_of(user.pk).enterprise_id),)
        except NotMember:
            return (newcomer_group(user.pk),)
