"""The curve's doors: known signatures, and everything that is not canonical is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import (
    ORDER,
    InvalidPoint,
    InvalidScalar,
    PointAtInfinity,
    is_point,
    is_scalar,
    point_add,
    point_mul_base,
    public_key,
    scalar_add,
    scalar_sub,
    sign,
    verify,
)

ONE = (1).to_bytes(32, "big")
G = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
scalars = st.integers(1, ORDER - 1).map(lambda value: value.to_bytes(32, "big"))


def test_public_key_of_one_is_the_generator() -> None:
    assert public_key(ONE) == G


def test_signature_is_the_deterministic_one_that_others_compute() -> None:
    """RFC 6979 with SHA-256 over secp256k1, the vector that Bitcoin's libraries share."""
    expected = (
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
    )
    assert sign(ONE, sha256(b"Satoshi Nakamoto")).hex() == expected


@given(scalars, st.binary(max_size=64))
def test_a_signature_holds_for_its_key_and_message_only(secret: bytes, message: bytes) -> None:
    digest, key = sha256(message), public_key(secret)
    signature = sign(secret, digest)
    assert verify(key, digest, signature)
    assert not verify(key, sha256(message + b"."), signature)
    assert not verify(public_key(sha256(b"another", secret)), digest, signature)
    assert int.from_bytes(signature[32:], "big") <= ORDER // 2


def test_the_high_s_twin_of_a_signature_is_refused() -> None:
    digest = sha256(b"message")
    signature = sign(ONE, digest)
    twin = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert verify(G, digest, signature) and not verify(G, digest, twin)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
def test_malformed_signatures_are_false_and_never_raised(signature: bytes) -> None:
    assert not verify(G, sha256(b""), signature)


@pytest.mark.parametrize("key", [b"", bytes(33), b"\x04" + G[1:], b"\x02" + b"\xff" * 32, G + b"\x00"])
def test_bytes_that_are_no_point_are_refused(key: bytes) -> None:
    assert not is_point(key)
    assert not verify(key, sha256(b""), sign(ONE, sha256(b"")))
    with pytest.raises(InvalidPoint):
        point_add(key, G)


@pytest.mark.parametrize("value", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_scalars_out_of_range_are_refused(value: int) -> None:
    scalar = value.to_bytes(32, "big")
    assert not is_scalar(scalar)
    for call in (lambda: point_mul_base(scalar), lambda: sign(scalar, bytes(32)), lambda: scalar_add(scalar, ONE)):
        with pytest.raises(InvalidScalar):
            call()


@given(scalars, scalars)
def test_points_add_as_their_scalars_do(a: bytes, b: bytes) -> None:
    if (int.from_bytes(a, "big") + int.from_bytes(b, "big")) % ORDER:
        assert point_add(point_mul_base(a), point_mul_base(b)) == point_mul_base(scalar_add(a, b))
        assert scalar_sub(scalar_add(a, b), b) == a


def test_opposite_points_have_no_sum() -> None:
    minus_one = (ORDER - 1).to_bytes(32, "big")
    with pytest.raises(PointAtInfinity):
        point_add(G, public_key(minus_one))
    with pytest.raises(InvalidScalar):
        scalar_add(ONE, minus_one)
