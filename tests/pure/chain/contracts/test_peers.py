"""Keys of those who train together, and the roots of rounds: named by their own account, once, before the graph."""

from __future__ import annotations

from chain.contracts.peers import (
    PEERS,
    ROUND_KEYS,
    LeavePeers,
    RegisterPeer,
    RoundKeys,
    pending,
    round_keys_id,
)
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.receipts import models_genesis
from tests.pure.chain.contracts.world import World, address, key_of

CHANNEL, ROUND, ROOT = sha256(b"channel"), sha256(b"round"), sha256(b"root")


def world_new() -> World:
    return World(models_genesis())


def test_a_party_names_its_keys_and_replaces_them() -> None:
    world = world_new()
    world.call("hub", "peers.register", RegisterPeer(CHANNEL, key_of("job")))
    row = world.state.get(PEERS, address("hub"))
    assert row is not None
    assert (row.channel, row.job_key, row.changes) == (CHANNEL, key_of("job"), 0)
    world.call("hub", "peers.register", RegisterPeer(sha256(b"new"), key_of("job")))
    row = world.state.get(PEERS, address("hub"))
    assert row is not None
    assert (row.channel, row.changes) == (sha256(b"new"), 1)


def test_a_party_that_left_has_no_keys_and_leaves_once() -> None:
    world = world_new()
    world.call("hub", "peers.register", RegisterPeer(CHANNEL, key_of("job")))
    world.call("hub", "peers.leave", LeavePeers())
    assert world.state.get(PEERS, address("hub")) is None
    assert world.code("hub", "peers.leave", LeavePeers()) == "peer_not_registered"


def test_a_job_key_that_is_no_point_is_refused() -> None:
    assert world_new().code("hub", "peers.register", RegisterPeer(CHANNEL, b"\x02" + b"\xff" * 32)) == "job_key_invalid"


def test_a_rounds_root_stands_once_for_its_leader_and_nobody_takes_its_place() -> None:
    world = world_new()
    world.call("thief", "peers.round_keys", RoundKeys(ROUND, sha256(b"another")))
    world.call("acme", "peers.round_keys", RoundKeys(ROUND, ROOT))
    row = world.state.get(ROUND_KEYS, round_keys_id(address("acme"), ROUND))
    assert row is not None
    assert (row.keys_root, row.height) == (ROOT, world.height)
    assert world.code("acme", "peers.round_keys", RoundKeys(ROUND, sha256(b"third"))) == "round_keys_changed"
    assert world.code("acme", "peers.round_keys", RoundKeys(ROUND, ROOT)) == "round_keys_changed"


def test_a_round_waits_for_exactly_one_block() -> None:
    world = world_new()
    assert not pending(world.state)
    world.call("acme", "peers.round_keys", RoundKeys(ROUND, ROOT))
    assert pending(world.state)
    world.block()
    assert not pending(world.state)
