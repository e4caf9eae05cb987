"""The live socket: members hear of their own enterprise and of nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import AnonymousUser

from enterprises.checkout import services
from enterprises.checkout.models import Enterprise, Member
from enterprises.consumers import EnterpriseLive
from marketplace.accounts.live import CLOSE_JOIN_AGAIN
from marketplace.accounts.models import User
from marketplace.common.events import enterprise_group

pytestmark = pytest.mark.django_db(transaction=True)


def enterprise_of(user: User) -> Enterprise:
    return services.enterprise_sign_up(user_id=user.pk, name="Acme", contact="a@example.org")


async def opened(user: Any) -> tuple[ApplicationCommunicator, bool]:
    scope = {"type": "websocket", "path": "/ws/v1/enterprise/live", "user": user, "headers": [], "subprotocols": []}
    line = ApplicationCommunicator(EnterpriseLive.as_asgi(), scope)
    await line.send_input({"type": "websocket.connect"})
    return line, (await line.receive_output(5))["type"] == "websocket.accept"


async def tell(enterprise: Enterprise) -> None:
    message = {"type": "live.event", "kind": "basket.changed", "data": {}}
    await get_channel_layer().group_send(enterprise_group(enterprise.pk), message)


def test_a_member_hears_of_the_own_enterprise_only(member: User, other_member: User) -> None:
    own, other = enterprise_of(member), enterprise_of(other_member)

    async def play() -> None:
        line, connected = await opened(member)
        assert connected
        await tell(other)
        assert await line.receive_nothing()
        await tell(own)
        heard = json.loads((await line.receive_output(5))["text"])
        assert heard == {"kind": "basket.changed", "data": {}}
        await line.send_input({"type": "websocket.disconnect", "code": 1000})

    async_to_sync(play)()


def test_who_is_no_member_any_more_hears_nothing_more(member: User, other_member: User) -> None:
    own = enterprise_of(member)
    services.member_add(actor=Member.objects.get(user_id=member.pk), user_id=other_member.pk, role="admin")

    async def play() -> dict[str, Any]:
        line, connected = await opened(member)
        assert connected
        await database_sync_to_async(Member.objects.filter(user_id=member.pk).delete)()
        await tell(own)
        return dict(await line.receive_output(5))

    assert async_to_sync(play)()["type"] == "websocket.close"


def test_an_account_without_an_enterprise_waits_and_is_told_to_come_again_once_it_has_one(
    member: User, other_member: User
) -> None:
    enterprise_of(member)

    async def play() -> dict[str, Any]:
        line, connected = await opened(other_member)
        assert connected
        await database_sync_to_async(services.member_add)(
            actor=await database_sync_to_async(Member.objects.select_related("enterprise").get)(user_id=member.pk),
            user_id=other_member.pk,
        )
        return dict(await line.receive_output(5))

    told = async_to_sync(play)()
    assert (told["type"], told["code"]) == ("websocket.close", CLOSE_JOIN_AGAIN)


def test_an_account_without_an_enterprise_hears_of_no_enterprise(member: User, other_member: User) -> None:
    other = enterprise_of(member)

    async def play() -> bool:
        line, connected = await opened(other_member)
        assert connected
        await tell(other)
        return await line.receive_nothing()

    assert async_to_sync(play)()


@pytest.mark.parametrize("who", ["stranger", "owner", "operator"])
def test_others_are_not_let_in(who: str, owner: User, operator: User) -> None:
    user = {"stranger": AnonymousUser(), "owner": owner, "operator": operator}[who]

    async def play() -> bool:
        _, connected = await opened(user)
        return connected

    assert not async_to_sync(play)()
