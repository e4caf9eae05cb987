"""Registration and the cloud store through the client, against the real market application in the same process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chain.client import MarketClient
from chain.client.inprocess import market_in_process
from chain.crypto.hashing import sha256
from chain.wallets.signer import Signer
from marketplace.common.errors import HearthError, NotAllowed, NotFound
from tests.pure.chain.contracts.world import secret_of

SECRET = sha256(b"deletion secret")


@pytest.fixture
def http(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[httpx.Client]:
    from marketplace.asgi import _http

    storages = dict(settings.STORAGES)
    storages["lots"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "store")},
    }
    settings.STORAGES = storages
    with market_in_process(_http) as client:
        yield client


@pytest.fixture
def hub(http: httpx.Client) -> MarketClient:
    return MarketClient(http, MarketClient(http).hub_register(Signer(secret_of("hub"))))


def test_an_object_is_stored_read_by_range_and_deleted_by_its_secret(hub: MarketClient) -> None:
    object_id, data = sha256(b"object"), bytes(range(256)) * 10
    hub.object_put(object_id, data, deletion_secret=SECRET)
    hub.object_put(object_id, data, deletion_secret=SECRET)
    assert hub.object_get(object_id) == data
    assert hub.object_get(object_id, (10, 20)) == data[10:20]
    assert hub.object_received(object_id) == len(data)
    with pytest.raises(NotAllowed):
        hub.object_delete(object_id, deletion_secret=bytes(32))
    hub.object_delete(object_id, deletion_secret=SECRET)
    hub.object_delete(object_id, deletion_secret=SECRET)
    with pytest.raises(NotFound):
        hub.object_get(object_id)


def test_a_large_object_goes_in_stretches_and_on_where_it_broke_off(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.client.objects.STRETCH_BYTES", 10_000)
    object_id, data = sha256(b"large"), bytes(range(251)) * 100
    sent: list[str] = []

    def relay(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            sent.append(request.headers["Content-Range"])
            if len(sent) == 2:
                raise httpx.WriteError("the line broke")
        return http.send(
            http.build_request(request.method, request.url, content=request.read(), headers=request.headers)
        )

    client = httpx.Client(transport=httpx.MockTransport(relay), base_url="http://market.test")
    token = MarketClient(http).hub_register(Signer(secret_of("hub")))
    broken = MarketClient(client, token, pause=lambda seconds: None)
    broken.object_put(object_id, data)
    assert sent[1] == sent[2], "the stretch on which the line broke is sent again"
    assert broken.object_get(object_id) == data
    count = len(sent)
    broken.object_put(object_id, data)
    assert len(sent) == count + 1, "an object that is there costs one byte"


def test_only_participants_use_the_store(http: httpx.Client) -> None:
    stranger = MarketClient(http)
    with pytest.raises(HearthError):
        stranger.object_put(bytes(32), b"x")
    with pytest.raises(HearthError):
        stranger.object_get(bytes(32))


def test_an_organisation_registers_and_sees_itself(http: httpx.Client) -> None:
    token = MarketClient(http).organisation_register("Acme", "data@acme.test", secret_of("acme"))
    assert MarketClient(http, token).organisation()["name"] == "Acme"


def test_the_catalog_answers_without_a_token(http: httpx.Client) -> None:
    market = MarketClient(http)
    assert market.lots({"device_class": ["thermometer"]})["results"] == []
    assert market.facets()["count"] == 0
    assert "minimum" in market.cells()
    with pytest.raises(NotFound):
        market.lot("0" * 64)
    with pytest.raises(NotFound):
        market.licence("0" * 64)
