"""The bytes of a round are a protocol: these vectors hold every version, and any program, to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chain.crypto.hashing import sha256
from chain.crypto.prg import SeededRandom, keystream
from chain.crypto.x25519 import X25519Secret
from fedlearn.protocol.graph import Graph, graph_seed, permutation
from fedlearn.protocol.messages import advert_digest, seed_commitment
from fedlearn.protocol.pairs import mask_seed, pair_of
from fedlearn.protocol.shamir import PRIME, combine, split
from tests.pure.fedlearn.protocol.world import World

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "secagg.json").read_text())


def raw(part: str, name: str) -> bytes:
    return bytes.fromhex(VECTORS[part][name])


def test_the_keystream_is_the_vectors():
    seed, expected = raw("prg", "seed"), VECTORS["prg"]
    assert keystream(seed, 8).tolist() == expected["words"]
    assert int(keystream(seed, 100_000)[-1]) == expected["last_of_100000"]
    assert sha256(keystream(seed, 10_000).astype("<u4").tobytes()) == raw("prg", "sha256_of_10000")


def test_the_shares_are_the_vectors():
    expected, secret = VECTORS["shamir"], raw("shamir", "secret")
    seed, threshold = raw("shamir", "random_seed"), expected["threshold"]
    shares = [bytes.fromhex(share) for share in expected["shares"]]
    assert expected["prime_minus_2_256"] == PRIME - 2**256
    assert split(secret, threshold, len(shares), SeededRandom(seed)) == shares
    assert combine(list(enumerate(shares, start=1))[::-1], threshold) == secret
    assert sha256(*split(secret, 51, 101, SeededRandom(seed))) == raw("shamir", "shares_51_of_101_sha256")


def test_the_graph_is_the_vectors():
    expected, seed = VECTORS["graph"], raw("graph", "seed")
    assert graph_seed(raw("graph", "block"), raw("graph", "keys_root")) == seed
    assert permutation(seed, 10).tolist() == expected["order_of_10"]
    assert list(Graph(seed, 10, 4).neighbours(0)) == expected["neighbours_of_0_in_10_by_4"]
    many = b"".join(node.to_bytes(2, "big") for node in Graph(seed, 1000, 100).neighbours(7))
    assert sha256(many) == raw("graph", "neighbours_of_7_in_1000_by_100_sha256")


def test_what_two_hubs_derive_is_the_vectors():
    alice, bob = X25519Secret(raw("masks", "alice_secret")), X25519Secret(raw("masks", "bob_secret"))
    round_id = raw("masks", "round_id")
    assert (alice.public, bob.public) == (raw("masks", "alice_public"), raw("masks", "bob_public"))
    for mine, theirs in ((alice, bob), (bob, alice)):
        assert mask_seed(mine, theirs.public, round_id) == raw("masks", "mask_seed")
    ours, theirs_too = pair_of(alice, bob.public, round_id), pair_of(bob, alice.public, round_id)
    assert ours.outgoing == theirs_too.incoming == raw("masks", "alice_to_bob")
    assert ours.incoming == theirs_too.outgoing == raw("masks", "bob_to_alice")
    assert seed_commitment(round_id, raw("shamir", "secret")) == raw("masks", "seed_commitment")
    assert advert_digest(round_id, 7, alice.public, bob.public) == raw("masks", "advert_digest")


def test_a_rounds_messages_are_the_vectors():
    expected = VECTORS["round"]
    world = World(expected["members"], length=expected["length"])
    total = world.run(unmasked={2})
    hub = world.client(0)
    assert world.plan.round_id == raw("round", "round_id")
    assert [hub.advert, hub.shares, hub.masked, hub.unmask] == [
        raw("round", name) for name in ("advert_0", "shares_0", "masked_0", "unmask_0")
    ]
    assert world.server.answers.survivors == raw("round", "survivors")
    assert total.tolist() == expected["sum"] == world.plain_sum({2}).tolist()
    assert sha256(*world.log) == raw("round", "all_messages_sha256")
