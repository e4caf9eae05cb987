"""The set of a round's participants as one hash, so that a home can show that its update is in a version.

A leaf is a salted hash of the hub's pseudonym and of what it sent; the tree is RFC 6962's. The root and the number of
members stand on the ledger with the version. Whoever has neither salt nor proof can't tell whether a hub took part.
"""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.codec import encode
from chain.core.merkle import leaf_hash, levels_of, path_in, root, verify_path
from chain.core.types import Hash, Name, Record, Uint
from chain.crypto.hashing import hmac_sha256, tagged
from fedlearn.protocol.errors import MembershipUnproved, MemberUnknown

SALT_BYTES = 32


class Member(Record):
    """A participant: its pseudonym, and the commitment to its update in this round (``update_commitment``)."""

    round_id: Hash
    pseudonym: Name
    update: Hash


class MemberSet(Record):
    """What a version says of its participants."""

    root: Hash
    count: Uint


class MemberProof(Record):
    """What a hub gets from the enterprise when a round completes, and may show to whom it likes."""

    member: Member
    salt: Hash
    index: Uint
    path: tuple[Hash, ...]


def update_commitment(masked: bytes) -> bytes:
    """The commitment to an encoded ``Masked`` message. Its masks hide the update from whoever guesses at it."""
    return tagged("hearth/member/update/1", masked)


def member_salt(secret: bytes, member: Member) -> bytes:
    """The salt of a member's leaf from a secret of the enterprise (32 bytes, one for a job)."""
    return hmac_sha256(secret, b"hearth/member/salt/1" + encode(member))


def members_commit(members: Sequence[Member], secret: bytes) -> MemberSet:
    """The commitment to the members in this order."""
    return MemberSet(root(_leaves(members, secret)), len(members))


def member_proofs(members: Sequence[Member], secret: bytes) -> list[MemberProof]:
    """The proof for each member, in the same order."""
    levels = levels_of(_leaves(members, secret)) if members else []
    return [
        MemberProof(member, member_salt(secret, member), index, path_in(levels, index))
        for index, member in enumerate(members)
    ]


def member_proof(members: Sequence[Member], secret: bytes, pseudonym: str) -> MemberProof:
    """The proof for one pseudonym; raises ``MemberUnknown``."""
    for proof in member_proofs(members, secret):
        if proof.member.pseudonym == pseudonym:
            return proof
    raise MemberUnknown


def member_verify(proof: MemberProof, members: MemberSet) -> None:
    """Check that the proof's member is in the set; raises ``MembershipUnproved``.

    The caller compares ``proof.member`` with the round, pseudonym and update that it means.
    """
    leaf = leaf_hash(proof.salt + encode(proof.member))
    if not verify_path(leaf, proof.index, members.count, proof.path, members.root):
        raise MembershipUnproved


def _leaves(members: Sequence[Member], secret: bytes) -> list[bytes]:
    return [leaf_hash(member_salt(secret, member) + encode(member)) for member in members]
