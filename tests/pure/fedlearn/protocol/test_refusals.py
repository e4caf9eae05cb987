"""Forged, foreign, replayed and malformed messages: each is refused for its own reason, and changes nothing."""

from __future__ import annotations

import msgspec
import pytest

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.crypto.prg import SeededRandom
from chain.crypto.secp256k1 import sign
from fedlearn.protocol import errors
from fedlearn.protocol.client import client_inbox, client_roster
from fedlearn.protocol.client_state import client_start
from fedlearn.protocol.client_unmask import client_survivors
from fedlearn.protocol.errors import (
    AnotherMessage,
    BadSignature,
    CohortWrong,
    KeysRepeated,
    KeysUnusable,
    LengthWrong,
    MessageMalformed,
    ModeUnknown,
    NotAMember,
    OtherRound,
    PlanInvalid,
    SecretNotRebuilt,
    SenderUnknown,
    TooFewMembers,
)
from fedlearn.protocol.messages import Advert, Masked, Shares, SurvivorVote, Unmask, advert_digest
from fedlearn.protocol.plan import MALICIOUS, plan_check
from fedlearn.protocol.server import server_advert, server_masked, server_shares
from fedlearn.protocol.server_state import server_start
from fedlearn.protocol.server_unmask import server_sum, server_unmask, server_vote
from marketplace.common.errors import HearthError
from tests.pure.fedlearn.protocol.world import BLOCK, World, job_secret, plan_new


def changed(data: bytes, kind: type[msgspec.Struct], **changes: object) -> bytes:
    return encode(msgspec.structs.replace(decode(kind, data), **changes))


def test_every_refusal_has_a_code_of_its_own():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HearthError)]
    own = [kind for kind in kinds if kind.__module__ == errors.__name__]
    assert len({kind.code for kind in own}) == len(own) > 30
    assert len({kind.title for kind in own}) == len(own)


def test_plans_that_can_not_work_are_refused():
    world = World(5)
    for error, changes in (
        (ModeUnknown, {"mode": "trusting"}),
        (TooFewMembers, {"minimum": 6}),
        (TooFewMembers, {"minimum": 1}),
        (PlanInvalid, {"length": 0}),
        (PlanInvalid, {"dropout_pm": 1000}),
        (CohortWrong, {"cohort": b"x" * 32}),
    ):
        with pytest.raises(error):
            plan_check(msgspec.structs.replace(world.plan, **changes), world.cohort)
    with pytest.raises(TooFewMembers):
        server_start(plan_new(world.cohort[:2]), world.cohort[:2])
    twice = (world.cohort[0], *world.cohort[:3])
    with pytest.raises(CohortWrong):
        server_start(plan_new(twice), twice)


def test_a_hub_outside_the_cohort_can_not_start():
    world = World(4)
    with pytest.raises(NotAMember):
        client_start(world.plan, world.cohort, job_secret(9), SeededRandom(b"r" * 32))


def test_adverts_that_are_forged_foreign_or_of_another_round_are_refused():
    world = World(4)
    random = SeededRandom(b"r" * 32)
    advert = client_start(world.plan, world.cohort, job_secret(0), random)[1]
    for name, value in (
        ("sender", 1),
        ("seal_public", b"k" * 32),
        ("mask_public", b"k" * 32),
        ("signature", bytes(64)),
    ):
        with pytest.raises(BadSignature):
            server_advert(world.server, changed(advert, Advert, **{name: value}))
    with pytest.raises(SenderUnknown):
        server_advert(world.server, changed(advert, Advert, sender=4))
    for options in ({"round_": 2}, {"length": 9}, {"mode": MALICIOUS}):
        other = World(4, **options)
        with pytest.raises(OtherRound):
            server_advert(other.server, advert)
        moved = changed(advert, Advert, round_id=other.plan.round_id)
        with pytest.raises(BadSignature):
            server_advert(other.server, moved)


def test_a_hub_that_advertises_twice_or_one_key_for_both_uses_is_refused():
    world = World(4)
    random = SeededRandom(b"r" * 32)
    first = client_start(world.plan, world.cohort, job_secret(0), random)[1]
    second = client_start(world.plan, world.cohort, job_secret(0), random)[1]
    state = server_advert(world.server, first)
    with pytest.raises(AnotherMessage):
        server_advert(state, second)
    key = b"k" * 32
    signature = sign(job_secret(0), advert_digest(world.plan.round_id, 0, key, key))
    with pytest.raises(KeysRepeated):
        server_advert(world.server, encode(Advert(world.plan.round_id, 0, key, key, signature)))


@pytest.mark.parametrize("public", [bytes(32), b"\xff" * 32])
def test_a_key_that_would_make_all_neighbours_fail_is_refused(public):
    world = World(4)
    for keys in ((public, b"k" * 32), (b"k" * 32, public)):
        signature = sign(job_secret(0), advert_digest(world.plan.round_id, 0, *keys))
        with pytest.raises(KeysUnusable):
            server_advert(world.server, encode(Advert(world.plan.round_id, 0, *keys, signature)))


def test_a_share_of_a_hub_that_never_shared_is_refused():
    world = World(6)
    world.start(range(6))
    survivors = world.mask(world.share(silent={4}))
    answer = client_survivors(world.client(0), survivors, job_secret(0))[1]
    given = bytes([0b111111])
    assert decode(Unmask, answer).given != given
    with pytest.raises(MessageMalformed):
        server_unmask(world.server, changed(answer, Unmask, given=given, shares=bytes(32 * 6)))


def test_bytes_that_are_no_message_are_refused_at_every_step():
    world = World(4)
    with pytest.raises(Malformed):
        server_advert(world.server, b"\x90")
    world.start(range(4))
    world.rosters()
    with pytest.raises(Malformed):
        client_roster(world.client(0), b"", world.cohort, BLOCK)
    with pytest.raises(Malformed):
        server_shares(world.server, world.client(0).advert)
    inboxes = world.share()
    with pytest.raises(Malformed):
        client_inbox(world.client(0), inboxes[0] + b"\x00", world.values[0])
    world.mask(inboxes)
    with pytest.raises(Malformed):
        client_survivors(world.client(0), b"\xc1", job_secret(0))


def test_messages_of_the_round_before_are_refused():
    before, now = World(4), World(4, round_=2)
    for world in (before, now):
        world.start(range(4))
    rosters = before.rosters()
    now.rosters()
    with pytest.raises(OtherRound):
        client_roster(now.client(0), rosters[0], now.cohort, BLOCK)
    inboxes = before.share()
    with pytest.raises(OtherRound):
        server_shares(now.server, before.client(0).shares)
    now_inboxes = now.share()
    with pytest.raises(OtherRound):
        client_inbox(now.client(0), inboxes[0], now.values[0])
    survivors = before.mask(inboxes)
    with pytest.raises(OtherRound):
        server_masked(now.server, before.client(0).masked)
    now.mask(now_inboxes)
    with pytest.raises(OtherRound):
        client_survivors(now.client(0), survivors, job_secret(0))
    before.unmask(survivors)
    with pytest.raises(OtherRound):
        server_unmask(now.server, before.client(0).unmask)


def test_vectors_of_another_length_or_type_are_refused():
    world = World(4)
    world.start(range(4))
    inboxes = world.share()
    for values in (world.values[0][:-1], world.values[0].astype("int64"), world.values[0].reshape(2, 4)):
        with pytest.raises(LengthWrong):
            client_inbox(world.client(0), inboxes[0], values)
    masked = client_inbox(world.client(0), inboxes[0], world.values[0])[1]
    with pytest.raises(LengthWrong):
        server_masked(world.server, changed(masked, Masked, vector=bytes(4 * 9)))


def test_hubs_that_are_not_at_a_stage_are_refused_there():
    world = World(6)
    world.start(range(5))
    rosters = world.rosters()
    shares = client_roster(world.client(4), rosters[4], world.cohort, BLOCK)[1]
    with pytest.raises(SenderUnknown):
        server_shares(world.server, changed(shares, Shares, sender=5))
    with pytest.raises(MessageMalformed):
        server_shares(world.server, changed(shares, Shares, boxes=b""))
    inboxes = world.share(silent={4})
    masked = client_inbox(world.client(0), inboxes[0], world.values[0])[1]
    with pytest.raises(SenderUnknown):
        server_masked(world.server, changed(masked, Masked, sender=4))
    survivors = world.mask(inboxes, {3})
    answer = client_survivors(world.client(0), survivors, job_secret(0))[1]
    for silent in (3, 4, 5):
        with pytest.raises(SenderUnknown):
            server_unmask(world.server, changed(answer, Unmask, sender=silent))
    with pytest.raises(MessageMalformed):
        server_unmask(world.server, changed(answer, Unmask, shares=b"s" * 31))


def test_votes_of_another_list_or_hub_are_refused():
    world = World(5, mode=MALICIOUS)
    world.start(range(5))
    survivors = world.mask(world.share(), {4})
    vote = client_survivors(world.client(0), survivors, job_secret(0))[1]
    with pytest.raises(BadSignature):
        server_vote(world.server, changed(vote, SurvivorVote, sender=1))
    with pytest.raises(SenderUnknown):
        server_vote(world.server, changed(vote, SurvivorVote, sender=4))
    with pytest.raises(BadSignature):
        server_vote(world.server, client_survivors(world.client(1), survivors, job_secret(0))[1])


@pytest.mark.parametrize("dropped", [set(), {5}])
def test_one_wrong_share_of_each_secret_is_found_out_and_left_out(dropped):
    world = unmasked_with_a_liar(world_members=9, liars={2}, dropped=dropped)
    assert (server_sum(world.server) == world.plain_sum(dropped)).all()


@pytest.mark.parametrize("dropped", [set(), {5}])
def test_many_wrong_shares_give_no_sum_instead_of_a_wrong_one(dropped):
    world = unmasked_with_a_liar(world_members=9, liars={0, 2, 4, 6}, dropped=dropped)
    with pytest.raises(SecretNotRebuilt) as refusal:
        server_sum(world.server)
    assert 0 <= refusal.value.member < 9


def unmasked_with_a_liar(*, world_members: int, liars: set[int], dropped: set[int]) -> World:
    """All answers are in, and those of the liars hold other shares than they were given."""
    world = World(world_members)
    world.start(range(world_members))
    survivors = world.mask(world.share(), dropped)
    for index in range(world_members):
        if index in dropped:
            continue
        answer = client_survivors(world.client(index), survivors, job_secret(index))[1]
        if index in liars:
            answer = changed(answer, Unmask, shares=bytes(len(decode(Unmask, answer).shares)))
        world.server = server_unmask(world.server, answer)
    return world
