"""A deployment from before the service-model ledger: its next start makes it, and both ledgers stay what they were."""

from __future__ import annotations

import logging
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from chain.contracts import CONTRACT_SETS
from chain.contracts.ledgers import ROLE, TRUSTED, trusted_in
from chain.core.blocks import genesis_hash
from chain.core.types import Genesis
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.node.keys import VALIDATOR, KeyFiles, SecretUnusable
from chain.node.process import ledgers_open
from chain.node.shared import genesis_new
from chain.stores.sql import SqlStore, ledgers_in
from tests.chain.market_node import market_node

NOW_MS = 1_800_000_000_000


def made_before(folder: Path) -> Genesis:
    """A shared ledger as an earlier version began it, without a word of other ledgers."""
    keys = KeyFiles(folder, may_create=True)
    new = genesis_new(keys, dict(settings.HEARTH_MARKET_PARAMS), NOW_MS)
    genesis = msgspec.structs.replace(new, roles=tuple(role for role in new.roles if not role[0].startswith(ROLE)))
    Ledger(genesis, CONTRACT_SETS["shared"], SqlStore(genesis.ledger, "ledger"))
    connections.close_all()
    return genesis


def test_a_new_deployment_begins_with_both_ledgers_and_no_block(transactional_db: None, tmp_path: Path) -> None:
    with market_node(tmp_path) as node:
        assert (node.ledger.height, node.models.height) == (0, 0)
        named = trusted_in(node.ledger.genesis)["service_models"]
        assert named == (node.models.genesis.ledger, node.models.genesis.validators)
        back = trusted_in(node.models.genesis)["shared"]
        assert back == (node.id, tuple(each.key for each in node.ledger.validators))


def test_a_deployment_from_before_gets_the_new_ledger_and_the_operators_trust_once(
    transactional_db: None, tmp_path: Path
) -> None:
    before = made_before(tmp_path)
    with market_node(tmp_path) as node:
        assert node.client.genesis("shared") == before
        while not node.client.info("shared")["height"]:
            pass
        row = node.ledger.state.get(TRUSTED, b"service_models")
        assert row is not None and row.ledger == node.models.genesis.ledger
        models = node.client.genesis("service_models")
    with market_node(tmp_path) as node:
        assert node.client.genesis("service_models") == models, "what was begun is kept"
        assert node.client.info("shared")["height"] == 1, "the trust is not sent again"
    for kind in ("shared", "service_models"):
        out = StringIO()
        call_command("ledger", "verify", kind, stdout=out)
        assert "hold" in out.getvalue()


def test_without_the_operators_key_the_node_runs_and_says_what_is_missing(
    transactional_db: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = made_before(tmp_path)
    (tmp_path / "operator.key").rename(tmp_path / "elsewhere")
    with caplog.at_level(logging.WARNING, "chain.node"), market_node(tmp_path) as node:
        assert genesis_hash(node.client.genesis("shared")) == genesis_hash(before)
        assert node.client.info("shared")["height"] == 0
    assert any("are not taken yet" in message for message in caplog.messages)
    assert not (tmp_path / "operator.key").exists(), "no new operator is made"


def test_the_new_ledger_does_not_open_under_another_key(transactional_db: None, tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path, may_create=True)
    shared, *_ = ledgers_open(keys, NOW_MS)
    assert len(ledgers_in("ledger")) == 2
    assert public_key(shared.secret) == shared.ledger.validators[0].key
    (tmp_path / f"{VALIDATOR}.key").write_text("11" * 32)
    with pytest.raises(SecretUnusable):
        ledgers_open(keys, NOW_MS)
