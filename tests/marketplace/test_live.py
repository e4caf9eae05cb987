"""Live events: sent on commit, heard by those who may."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction

from marketplace.accounts.live import CLOSE_NOT_ALLOWED, LiveConsumer
from marketplace.accounts.models import Kind, User
from marketplace.common import events
from marketplace.routing import websocket_application
from tests import factories
from tests.sockets import Socket

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]
OWNER = "owner.1"


class Pages(LiveConsumer):
    """As a home's pages: owners only."""

    def groups_of(self, user: User) -> tuple[str, ...]:
        return (OWNER,) if user.kind == Kind.OWNER else ()


@pytest_asyncio.fixture(autouse=True)
async def _quiet_layer() -> AsyncIterator[None]:
    yield
    layer = get_channel_layer()
    assert layer is not None
    await layer.flush()


async def opened(user: User | None) -> tuple[Socket, int | None]:
    line = Socket(Pages.as_asgi(), "/ws/", user=user)
    return line, await line.connect()


def publish_in_transaction(*, fail: bool) -> None:
    with transaction.atomic(using="home"):
        events.publish(OWNER, "upload.step", {"upload": 7}, using="home")
        if fail:
            transaction.set_rollback(True, using="home")


async def test_an_event_reaches_the_page_when_its_transaction_commits():
    line, refused = await opened(await sync_to_async(factories.owner)())
    assert refused is None
    await database_sync_to_async(publish_in_transaction)(fail=False)
    assert await line.receive_json() == {"kind": "upload.step", "data": {"upload": 7}}
    await line.disconnect()


async def test_an_event_of_a_transaction_that_is_rolled_back_is_never_sent():
    line, _ = await opened(await sync_to_async(factories.owner)())
    await database_sync_to_async(publish_in_transaction)(fail=True)
    assert await line.receive_nothing(timeout=0.1)
    await line.disconnect()


async def test_strangers_and_other_kinds_are_turned_away():
    for user in (None, await sync_to_async(factories.member)()):
        _, refused = await opened(user)
        assert refused == CLOSE_NOT_ALLOWED


async def test_a_user_who_was_locked_hears_nothing_more():
    user = await sync_to_async(factories.owner)()
    line, _ = await opened(user)
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)
    await database_sync_to_async(publish_in_transaction)(fail=False)
    assert await line.closed() == CLOSE_NOT_ALLOWED


@pytest.mark.parametrize(("origin", "expected"), [(b"https://evil.example", 1000), (b"https://hearth.example", 4404)])
async def test_only_own_pages_get_past_the_check_of_the_origin(
    monkeypatch: pytest.MonkeyPatch, origin: bytes, expected: int
):
    monkeypatch.setattr(websocket_application, "allowed_origins", ["hearth.example"])
    line = Socket(websocket_application, "/ws/v1/nothing", headers=((b"origin", origin),))
    assert await line.connect() == expected


async def test_an_agent_sends_no_origin_and_an_address_without_a_socket_is_no_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(websocket_application, "allowed_origins", ["hearth.example"])
    assert await Socket(websocket_application, "/ws/v1/nothing").connect() == 4404
