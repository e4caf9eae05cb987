"""Downloads under ASGI: block by block, as they are wanted, without the warning that all of it was read first."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient

from enterprises.checkout import exports
from enterprises.checkout.api import download
from enterprises.streaming import BlockResponse
from marketplace.accounts.models import User
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot

pytestmark = pytest.mark.django_db


class Source:
    """An iterator of numbered blocks that knows how far it was read, and whether it was closed."""

    def __init__(self, count: int) -> None:
        self.read, self.closed, self._count = 0, False, count

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.read == self._count:
            raise StopIteration
        self.read += 1
        return b"%d" % self.read

    def close(self) -> None:
        self.closed = True


async def sent(response: StreamingHttpResponse) -> bytes:
    """The body as the ASGI handler takes it, with every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return b"".join([block async for block in response])


async def fetch(path: str, user: User | None = None, **headers: str) -> Any:
    client = AsyncClient()
    if user is not None:
        await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return await client.get(path, headers=headers)


def test_a_block_is_read_only_when_it_is_wanted() -> None:
    source = Source(1000)
    response = BlockResponse(source)

    async def take() -> list[bytes]:
        blocks = aiter(response)
        return [await anext(blocks) for _ in range(3)]

    assert async_to_sync(take)() == [b"1", b"2", b"3"]
    assert source.read == 3
    response.close()
    assert source.closed, "a client that hangs up closes what was open"


def test_the_same_answer_can_be_sent_without_asgi() -> None:
    assert b"".join(BlockResponse(Source(3))) == b"123"
    assert async_to_sync(sent)(BlockResponse(Source(3))) == b"123"
    assert async_to_sync(sent)(BlockResponse(Source(0))) == b""


def test_an_object_and_its_ranges_come_whole_under_asgi(buyer: Buyer, home: Home, lot: Lot) -> None:
    data = lot.sealed.object_bytes
    path = f"/api/v1/market/objects/{lot.digest.object_id.hex()}"
    bearer = {"Authorization": f"Bearer {buyer.market.token}"}

    async def read() -> tuple[bytes, bytes, Any]:
        whole, part = await fetch(path, **bearer), await fetch(path, **bearer, Range="bytes=10-99")
        return await sent(whole), await sent(part), whole

    whole, part, answer = async_to_sync(read)()
    assert hashlib.sha256(whole).hexdigest() == answer["ETag"].strip('"')
    assert whole == data and part == data[10:100] and int(answer["Content-Length"]) == len(data)


@pytest.mark.parametrize("kind", list(exports.WRITERS))
def test_a_download_is_the_same_under_asgi_and_without(buyer: Buyer, home: Home, lot: Lot, kind: str) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    purchase.refresh_from_db()
    want = b"".join(download(purchase, kind))

    async def read(path: str) -> bytes:
        return await sent(await fetch(path, buyer.user))

    api = f"/api/v1/enterprise/purchases/{purchase.public_id}/data?as={kind}"
    for path in (api, f"/enterprise/purchases/{purchase.public_id}/data/{kind}/"):
        assert async_to_sync(read)(path) == want and len(want) > 100
