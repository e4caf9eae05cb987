"""My update is in version v: shown by whoever was in it, and by nobody else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core.codec import decode, encode
from chain.crypto.hashing import sha256
from fedlearn.protocol.errors import MembershipUnproved, MemberUnknown
from fedlearn.protocol.membership import (
    Member,
    MemberProof,
    MemberSet,
    member_proof,
    member_proofs,
    member_verify,
    members_commit,
    update_commitment,
)

SECRET = b"s" * 32
ROUND = sha256(b"round")


def members_of(count: int) -> list[Member]:
    return [Member(ROUND, f"hub-{n}", update_commitment(b"masked %d" % n)) for n in range(count)]


@given(st.integers(1, 40))
def test_every_member_can_show_that_it_is_in_the_set(count):
    members = members_of(count)
    found = members_commit(members, SECRET)
    for member, proof in zip(members, member_proofs(members, SECRET), strict=True):
        assert proof.member == member
        member_verify(decode(MemberProof, encode(proof)), found)


def test_a_proof_for_another_member_update_round_place_or_set_is_refused():
    members = members_of(7)
    found = members_commit(members, SECRET)
    proof = member_proof(members, SECRET, "hub-3")
    member = proof.member
    forged = [
        msgspec.structs.replace(proof, member=msgspec.structs.replace(member, pseudonym="hub-9")),
        msgspec.structs.replace(proof, member=msgspec.structs.replace(member, update=sha256(b"other"))),
        msgspec.structs.replace(proof, member=msgspec.structs.replace(member, round_id=sha256(b"other"))),
        msgspec.structs.replace(proof, salt=sha256(b"other")),
        msgspec.structs.replace(proof, index=4),
        msgspec.structs.replace(proof, index=7),
        msgspec.structs.replace(proof, path=proof.path[:-1]),
    ]
    for lie in forged:
        with pytest.raises(MembershipUnproved):
            member_verify(lie, found)
    for other in (MemberSet(sha256(b"x"), 7), MemberSet(found.root, 3), members_commit(members[:6], SECRET)):
        with pytest.raises(MembershipUnproved):
            member_verify(proof, other)


def test_the_set_tells_nobody_who_is_in_it():
    members = members_of(4)
    assert members_commit(members, SECRET) != members_commit(members, b"t" * 32)
    salts = {proof.salt for proof in member_proofs(members, SECRET)}
    assert len(salts) == 4 and members_commit(members, SECRET).root not in salts


def test_a_hub_that_took_no_part_gets_no_proof():
    with pytest.raises(MemberUnknown):
        member_proof(members_of(3), SECRET, "hub-3")
    assert member_proofs([], SECRET) == [] and members_commit([], SECRET).count == 0
