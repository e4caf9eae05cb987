"""A server that lies about members, keys and blocks: a hub believes what is signed and what its ledger holds."""

from __future__ import annotations

import msgspec
import pytest

from chain.core.codec import decode, encode
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import sign
from chain.crypto.x25519 import X25519Secret
from fedlearn.protocol.bits import bits_of
from fedlearn.protocol.client import client_roster
from fedlearn.protocol.errors import (
    BadSignature,
    CohortWrong,
    KeysRepeated,
    MessageMalformed,
    NotAMember,
    RosterUnproved,
    TooFewParticipants,
)
from fedlearn.protocol.graph import graph_of
from fedlearn.protocol.messages import (
    Advert,
    PeerKeys,
    Roster,
    advert_digest,
)
from fedlearn.protocol.pairs import pair_of
from tests.pure.fedlearn.protocol.world import BLOCK, World, job_secret


def roster_world(members: int = 5) -> tuple[World, Roster]:
    world = World(members)
    world.start(range(members))
    return world, decode(Roster, world.rosters()[0])


def taken(world: World, roster: Roster, block: bytes = BLOCK) -> object:
    return client_roster(world.client(0), encode(roster), world.cohort, block)


def test_the_roster_of_another_round_block_or_cohort_is_refused():
    world, roster = roster_world()
    with pytest.raises((BadSignature, KeysRepeated)):
        taken(world, roster, sha256(b"a block that the server likes better"))
    with pytest.raises(CohortWrong):
        client_roster(world.client(0), encode(roster), world.cohort[::-1], BLOCK)
    with pytest.raises(CohortWrong):
        client_roster(world.client(0), encode(roster), world.cohort[:4], BLOCK)


def test_a_roster_without_this_hub_or_with_a_few_only_is_refused():
    world, roster = roster_world()
    with pytest.raises(NotAMember):
        taken(world, msgspec.structs.replace(roster, participants=bits_of({1, 2, 3, 4}, 5)))
    with pytest.raises(TooFewParticipants):
        taken(world, msgspec.structs.replace(roster, participants=bits_of({0, 1}, 5)))


def test_a_roster_whose_root_does_not_hold_this_hubs_keys_is_refused():
    world, roster = roster_world()
    for changed in ({"keys_root": sha256(b"other")}, {"path": roster.path[:-1]}, {"path": roster.path[::-1]}):
        with pytest.raises(RosterUnproved):
            taken(world, msgspec.structs.replace(roster, **changed))


def test_keys_of_the_servers_own_making_are_refused():
    world, roster = roster_world()
    own = World(5, seed=b"o" * 32)
    own.start(range(5))
    forged = PeerKeys(b"k" * 32, b"l" * 32, roster.peers[0].signature)
    swapped = PeerKeys(roster.peers[0].mask_public, roster.peers[0].seal_public, roster.peers[0].signature)
    for peers in (
        (forged, *roster.peers[1:]),
        (swapped, *roster.peers[1:]),
        roster.peers[::-1],
        (roster.peers[1], *roster.peers[1:]),
    ):
        with pytest.raises(BadSignature):
            taken(world, msgspec.structs.replace(roster, peers=peers))
    with pytest.raises(MessageMalformed):
        taken(world, msgspec.structs.replace(roster, peers=roster.peers[:-1]))


def test_two_hubs_that_advertise_the_same_keys_are_refused_by_their_neighbours():
    world, roster = roster_world()
    places = graph_of(world.server.keys.graph_seed, 5, 4).neighbours(0)
    first = roster.peers[0]
    copied = [PeerKeys(first.seal_public, b"k" * 32, b""), PeerKeys(b"k" * 32, first.mask_public, b"")]
    copied.append(PeerKeys(decode(Advert, world.client(0).advert).mask_public, b"k" * 32, b""))
    for peer in copied:
        digest = advert_digest(world.plan.round_id, places[1], peer.seal_public, peer.mask_public)
        signed = msgspec.structs.replace(peer, signature=sign(job_secret(places[1]), digest))
        with pytest.raises(KeysRepeated):
            taken(world, msgspec.structs.replace(roster, peers=(first, signed, *roster.peers[2:])))


def test_what_a_pair_derives_for_one_direction_is_not_what_it_derives_for_the_other():
    world = World(3)
    world.start(range(3))
    mine, theirs = (X25519Secret(world.client(index).seal_secret) for index in (0, 1))
    pair, other_round = pair_of(mine, theirs.public, b"r" * 32), pair_of(mine, theirs.public, b"s" * 32)
    assert len({pair.outgoing, pair.incoming, other_round.outgoing, other_round.incoming}) == 4
