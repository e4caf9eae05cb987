"""The board's socket: who hears of notices and mail, and that nobody hears of another's mail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.utils import timezone

from enterprises.board import events
from enterprises.board.consumers import TOKENS_MAX
from enterprises.board.events import MAIL, MESSAGE, NOTICE, NOTICES, owner_group
from enterprises.nudges import market_tokens
from enterprises.partners.models import MarketToken
from marketplace.routing import websocket_application
from tests.access.lines import run
from tests.enterprises.board import Party, acquainted, hub_new, notice_new, organisation_new
from tests.enterprises.conftest import Buyer
from tests.sockets import Socket

pytestmark = pytest.mark.django_db
MALFORMED, NOT_ALLOWED = 4400, 4403


async def listening(*tokens: str) -> Socket:
    line = Socket(websocket_application, "/ws/v1/market/board")
    assert await line.connect() is None
    await line.send(json.dumps({"tokens": list(tokens)}))
    return line


async def tell(group: str, kind: str) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(group, {"type": MESSAGE, "kind": kind, "group": group})


def account(party: Party) -> Any:
    row = party.row
    return row.hub or row.organisation


def test_mail_is_told_to_its_owner_alone_and_notices_to_all_who_listen(db: None) -> None:
    hub, neighbour, acme = hub_new(), hub_new(), organisation_new()
    group = owner_group(account(hub))

    async def play() -> None:
        lines = [await listening(party.token) for party in (hub, neighbour, acme)]
        for line in lines:
            assert await line.receive_json() == {"kind": "listening", "accounts": 1}
        await tell(group, MAIL)
        assert await lines[0].receive_json() == {"kind": MAIL}, "no address, no size"
        for line in lines[1:]:
            assert await line.receive_nothing(timeout=0.1)
        await tell(NOTICES, NOTICE)
        for line in lines:
            assert await line.receive_json() == {"kind": NOTICE}
            await line.disconnect()

    run(play)


def test_one_line_listens_for_all_homes_of_a_node(db: None) -> None:
    hubs = [hub_new() for _ in range(3)]
    groups = [owner_group(account(hub)) for hub in hubs]

    async def play() -> None:
        line = await listening(*(hub.token for hub in hubs), "hub_nobody")
        assert await line.receive_json() == {"kind": "listening", "accounts": 3}
        for group in groups:
            await tell(group, MAIL)
            assert await line.receive_json() == {"kind": MAIL}
        await line.disconnect()

    run(play)


def test_a_token_that_was_revoked_hears_nothing_more(db: None) -> None:
    from channels.db import database_sync_to_async

    hub = hub_new()
    group = owner_group(account(hub))
    revoke = database_sync_to_async(lambda: MarketToken.objects.update(revoked_at=timezone.now()))

    async def play() -> None:
        line = await listening(hub.token)
        await line.receive_json()
        await revoke()
        await tell(group, MAIL)
        await tell(NOTICES, NOTICE)
        assert await line.receive_nothing(timeout=0.1)
        await line.disconnect()

    run(play)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("", MALFORMED),
        ("{", MALFORMED),
        ("[]", MALFORMED),
        ('{"tokens": []}', MALFORMED),
        ('{"tokens": "hub_x"}', MALFORMED),
        ('{"tokens": [7]}', MALFORMED),
        (json.dumps({"tokens": ["x"] * (TOKENS_MAX + 1)}), MALFORMED),
        (json.dumps({"tokens": ["x" * 70_000]}), MALFORMED),
        ("[" * 60_000, MALFORMED),
        ('{"tokens": ["hub_nobody", "org_nobody"]}', NOT_ALLOWED),
    ],
)
def test_who_says_anything_else_is_sent_away(db: None, said: str, code: int) -> None:
    async def play() -> None:
        line = Socket(websocket_application, "/ws/v1/market/board")
        assert await line.connect() is None
        await line.send(said)
        assert await line.closed() == code
        await line.disconnect()

    run(play)


def test_a_second_list_of_tokens_is_not_heard(db: None) -> None:
    first, second = hub_new(), hub_new()

    async def play() -> None:
        line = await listening(first.token)
        await line.receive_json()
        await line.send(json.dumps({"tokens": [second.token]}))
        assert await line.closed() == MALFORMED
        await line.disconnect()

    run(play)


def test_events_are_sent_when_what_they_tell_can_be_read_and_only_then(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(events, "_send", lambda group, kind: sent.append((group, kind)))
    acme, hub = organisation_new(), hub_new()
    wallet, key = acquainted(acme, hub)
    mailbox = owner_group(account(acme))

    def told(call: Any) -> list[tuple[str, str]]:
        sent.clear()
        with django_capture_on_commit_callbacks(using="market", execute=True):
            call()
            assert sent == []
        return list(sent)

    assert told(lambda: hub.put(wallet.address, key.address, 1, b"x")) == [(mailbox, MAIL)]
    assert told(lambda: hub.put(wallet.address, key.address, 1, b"x")) == [], "the same bytes are no news"
    assert told(lambda: hub.put(wallet.address, key.address, 2, b"x", **{"X-Object-Sha256": "00"})) == []
    assert told(lambda: notice_new(acme)) == [(NOTICES, NOTICE)]
    (first, _) = acme.board.notices()
    assert told(lambda: acme.board.notice_close(first.plan_hash)) == [(NOTICES, NOTICE)]
    assert told(lambda: acme.board.notice_close(first.plan_hash)) == []


def test_the_follower_of_an_enterprises_node_listens_with_its_tokens(buyer: Buyer) -> None:
    assert market_tokens() == [buyer.market.token]
