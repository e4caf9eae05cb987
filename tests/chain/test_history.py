"""Histories of an address, newest first: pages without gap or repetition while the ledger grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from chain.client import MarketClient, MemoryPins
from chain.client.inprocess import market_in_process
from chain.contracts.credits import Transfer
from marketplace.common.errors import InputError
from tests.chain.market_node import MarketNode
from tests.pure.chain.contracts.world import address, secret_of

PATH = f"/api/v1/market/ledger/accounts/{address('acme').hex()}/history"


@pytest.fixture
def moved(node: MarketNode) -> MarketNode:
    node.buyer(secret_of("acme"), 100)
    for amount in (1, 2, 3, 4):
        move(node, amount)
    node.until_indexed()
    return node


@pytest.fixture
def market(moved: MarketNode) -> Iterator[MarketClient]:
    from marketplace.asgi import _http

    with market_in_process(_http) as http:
        yield MarketClient(http, pins=MemoryPins())


def move(node: MarketNode, amount: int) -> None:
    node.done(secret_of("acme"), "credits.transfer", Transfer(to=address("bolt"), amount=amount))


def amounts(page: dict[str, Any]) -> list[int]:
    return [each["amount"] for each in page["moves"]]


def test_the_newest_moves_come_first_and_older_ones_in_further_pages(moved: MarketNode, client: Client) -> None:
    seen: list[int] = []
    query: dict[str, Any] = {"order": "newest", "limit": 2}
    while True:
        page = client.get(PATH, query).json()
        assert len(page["moves"]) <= 2
        seen += amounts(page)
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert seen == [-4, -3, -2, -1, 100]
    assert amounts(client.get(PATH).json()) == seen[::-1], "the present order stays what it was"


def test_moves_that_come_meanwhile_do_not_shift_the_older_pages(moved: MarketNode, client: Client) -> None:
    first = client.get(PATH, {"order": "newest", "limit": 2}).json()
    move(moved, 5)
    moved.until_indexed()
    assert amounts(client.get(PATH, {"order": "newest", "before": first["next"]}).json()) == [-2, -1, 100]


def test_a_height_stands_after_its_block_and_nonsense_is_refused(moved: MarketNode, client: Client) -> None:
    assert amounts(client.get(PATH, {"order": "newest", "before": "3"}).json()) == [-1, 100]
    for query in ({"order": "newest", "before": "x"}, {"order": "sideways"}, {"order": "newest", "limit": 0}):
        assert client.get(PATH, query).status_code == 400


def test_the_client_pages_the_same_way(market: MarketClient) -> None:
    first = market.history_newest(address("acme"), limit=3)
    assert amounts(first) == [-4, -3, -2]
    assert amounts(market.history_newest(address("acme"), first["next"])) == [-1, 100]
    assert [each["amount"] for each in market.history(address("acme"))] == [100, -1, -2, -3, -4]
    with pytest.raises(InputError) as refused:
        market.history_newest(address("acme"), "x")
    assert refused.value.code == "cursor_invalid"
