"""Settings from the environment: what stops the start, and what the defaults are."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from marketplace import env

ALL = ("home", "market", "enterprise")


def test_two_aliases_with_one_database_refuse_to_start(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/same.sqlite3"
    with pytest.raises(ImproperlyConfigured, match="same one"):
        env.databases(tmp_path, ALL, environ={"DATABASE_URL_HOME": url, "DATABASE_URL_MARKET": url})


def test_one_database_under_two_spellings_of_its_path_refuses_to_start(tmp_path: Path):
    odd = f"sqlite:///{tmp_path}/x/../default.sqlite3"
    with pytest.raises(ImproperlyConfigured, match="same one"):
        env.databases(tmp_path, ALL, environ={"DATABASE_URL_LEDGER": odd})


def test_the_same_postgres_database_under_two_users_refuses_to_start(tmp_path: Path):
    urls = {"DATABASE_URL": "postgres://a:x@db:5432/hearth", "DATABASE_URL_HOME": "postgres://b:y@db/hearth"}
    with pytest.raises(ImproperlyConfigured, match="same one") as refusal:
        env.databases(tmp_path, ALL, environ=urls)
    assert "x@db" not in str(refusal.value)


def test_a_deployment_has_only_the_databases_of_its_roles(tmp_path: Path):
    assert set(env.databases(tmp_path, ("home",), environ={})) == {"default", "home"}
    assert set(env.databases(tmp_path, ("market",), environ={})) == {"default", "market", "ledger"}


@pytest.mark.parametrize(
    ("url", "databases"),
    [
        ("redis://cache:6379", ["redis://cache:6379/0", "redis://cache:6379/1", "redis://cache:6379/2"]),
        ("redis://cache:6379/", ["redis://cache:6379/0", "redis://cache:6379/1", "redis://cache:6379/2"]),
        ("redis://:word@cache/3", ["redis://:word@cache/3", "redis://:word@cache/4", "redis://:word@cache/5"]),
        ("rediss://c/0?ssl_cert_reqs=none", [f"rediss://c/{number}?ssl_cert_reqs=none" for number in range(3)]),
    ],
)
def test_broker_events_and_cache_have_a_redis_database_each(url: str, databases: list[str]):
    assert list(env.redis_urls(url, 3)) == databases


@pytest.mark.parametrize(
    "url", ["cache:6379", "http://cache/0", "redis:///0", "redis://cache/main", "redis://cache/-1"]
)
def test_what_is_no_redis_url_refuses_to_start_and_its_password_is_not_shown(url: str):
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL") as refusal:
        env.redis_urls(url.replace("cache", ":word@cache"), 3)
    assert "word" not in str(refusal.value)


def test_a_postgres_url_is_taken_apart():
    config = env.database("postgres://us%40er:p%2Fw@host:6000/name?sslmode=require", "DATABASE_URL")
    assert (config["USER"], config["PASSWORD"], config["HOST"], config["PORT"], config["NAME"]) == (
        "us@er", "p/w", "host", "6000", "name",
    )  # fmt: skip
    assert config["OPTIONS"] == {"sslmode": "require"}


def test_an_unknown_kind_of_database_is_refused_by_its_variable():
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL_HOME"):
        env.database("mysql://host/name", "DATABASE_URL_HOME")


def test_a_missing_secret_stops_the_start_outside_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HEARTH_SECRET_KEY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="HEARTH_SECRET_KEY is not set"):
        env.secret("HEARTH_SECRET_KEY", tmp_path / "key", demo=False)
    assert not (tmp_path / "key").exists()


def test_the_demo_makes_a_secret_once_that_only_its_owner_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HEARTH_SECRET_KEY", raising=False)
    file = tmp_path / "secrets" / "key"
    first = env.secret("HEARTH_SECRET_KEY", file, demo=True)
    assert len(first) > 40
    assert env.secret("HEARTH_SECRET_KEY", file, demo=True) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_a_flag_that_is_neither_yes_nor_no_is_refused(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("HEARTH_DEMO", value)
    with pytest.raises(ImproperlyConfigured, match="HEARTH_DEMO"):
        env.flag("HEARTH_DEMO", False)


def test_a_number_below_its_least_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTH_T1_MS", "0")
    with pytest.raises(ImproperlyConfigured, match="at least 1"):
        env.integer("HEARTH_T1_MS", 5, at_least=1)


def test_an_unknown_role_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTH_ROLES", "home,bank")
    with pytest.raises(ImproperlyConfigured, match="bank"):
        env.roles()


def test_a_socket_path_that_the_system_can_not_hold_is_moved(tmp_path: Path):
    long = tmp_path / ("x" * 120) / "ledger.sock"
    moved = env.short_socket_path(long)
    assert len(moved) <= env.SOCKET_PATH_MAX
    assert moved == env.short_socket_path(long)
    assert stat.S_IMODE(Path(moved).parent.stat().st_mode) == 0o700
