"""Calls are counted in the cache. While it is away, public reads go on and everything else is asked to wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
READS = ["/api/v1/market/lots", "/api/v1/market/facets", "/api/v1/market/cells"]
WRITES: dict[str, dict[str, Any]] = {
    "/api/v1/market/challenges": {"public_key": "02" + "11" * 32},
    "/api/v1/market/ledger/transactions": {"tx": ""},
    "/api/v1/auth/token": {"email": "a@example.org", "password": "wrong"},
}


@pytest.fixture
def no_cache(settings: Settings, tmp_path: Path) -> None:
    """The cache of a deployment whose Valkey is not there."""
    location = f"unix://{tmp_path / 'nobody.sock'}?db=2"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location}}


@pytest.mark.parametrize("path", READS)
def test_public_reads_go_on(no_cache: None, path: str) -> None:
    assert APIClient().get(path).status_code == 200


@pytest.mark.parametrize("path", WRITES)
def test_what_changes_something_or_tries_a_password_is_asked_to_wait(no_cache: None, path: str) -> None:
    answer = APIClient().post(path, WRITES[path], format="json")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "throttle_away"


@pytest.mark.parametrize("path", WRITES)
def test_with_the_cache_the_same_calls_are_looked_at(path: str) -> None:
    assert APIClient().post(path, WRITES[path], format="json").status_code != 503
