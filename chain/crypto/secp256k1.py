"""The curve secp256k1 (SEC 2, section 2.4.1): keys, ECDSA signatures, points and scalars, by libsecp256k1.

Points and public keys are 33 bytes (compressed), scalars and secrets 32 bytes big-endian in 1..N-1, signatures 64 bytes
(r | s, low-S as in BIP 62). The library is called below coincurve's classes, because they know DER only and compute a
public key for each secret they hold.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT

from marketplace.common.errors import InputError

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SCALAR_BYTES = 32
POINT_BYTES = 33
SIGNATURE_BYTES = 64
_PARSED_KEYS = 16_384
_ctx = GLOBAL_CONTEXT.ctx


class InvalidScalar(InputError):
    """The scalar is not 32 bytes that stand for 1..N-1."""

    code = "scalar_invalid"
    title = "The scalar is not in the range of the curve's order"


class InvalidPoint(InputError):
    """The bytes are no compressed point of the curve."""

    code = "point_invalid"
    title = "The bytes are not a point of the curve"


class PointAtInfinity(InputError):
    """A sum of points is the point at infinity, which has no encoding."""

    code = "point_at_infinity"
    title = "The sum of the points is the point at infinity"


def public_key(secret: bytes) -> bytes:
    """The compressed public key of a 32-byte secret; raises ``InvalidScalar``."""
    return point_mul_base(secret)


def sign(secret: bytes, digest: bytes) -> bytes:
    """Sign a 32-byte digest: deterministic (RFC 6979), low-S, compact. Raises ``InvalidScalar``."""
    _require_digest(digest)
    signature = ffi.new("secp256k1_ecdsa_signature *")
    if not is_scalar(secret) or not lib.secp256k1_ecdsa_sign(_ctx, signature, digest, secret, ffi.NULL, ffi.NULL):
        raise InvalidScalar
    out = ffi.new("unsigned char[64]")
    lib.secp256k1_ecdsa_signature_serialize_compact(_ctx, out, signature)
    return bytes(ffi.buffer(out, SIGNATURE_BYTES))


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the compact signature over the 32-byte digest is the key's. High-S and bad input give false."""
    if len(signature) != SIGNATURE_BYTES or len(digest) != 32:
        return False
    key = _parsed(public)
    if key is None:
        return False
    parsed = ffi.new("secp256k1_ecdsa_signature *")
    if not lib.secp256k1_ecdsa_signature_parse_compact(_ctx, parsed, signature):
        return False
    return bool(lib.secp256k1_ecdsa_verify(_ctx, parsed, digest, key) == 1)


def is_point(data: bytes) -> bool:
    """Whether the bytes are a compressed point of the curve."""
    return _parsed(data) is not None


def is_scalar(data: bytes) -> bool:
    """Whether the bytes are a canonical scalar: 32 bytes, 1..N-1."""
    return len(data) == SCALAR_BYTES and 0 < int.from_bytes(data, "big") < ORDER


def point_mul_base(scalar: bytes) -> bytes:
    """scalar times G, compressed; raises ``InvalidScalar``."""
    if not is_scalar(scalar):
        raise InvalidScalar
    point = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_create(_ctx, point, scalar):
        raise InvalidScalar
    return _serialised(point)


def point_add(a: bytes, b: bytes) -> bytes:
    """The sum of two compressed points; raises ``InvalidPoint`` or ``PointAtInfinity``."""
    parsed = [_parsed(a), _parsed(b)]
    if None in parsed:
        raise InvalidPoint
    total = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_combine(_ctx, total, parsed, len(parsed)):
        raise PointAtInfinity
    return _serialised(total)


def scalar_add(a: bytes, b: bytes) -> bytes:
    """a + b mod N; raises ``InvalidScalar`` if an argument is not canonical or the sum is zero."""
    return _reduced(_scalar(a) + _scalar(b))


def scalar_sub(a: bytes, b: bytes) -> bytes:
    """a - b mod N; raises ``InvalidScalar`` if an argument is not canonical or the difference is zero."""
    return _reduced(_scalar(a) - _scalar(b))


@lru_cache(maxsize=_PARSED_KEYS)
def _parsed(data: bytes) -> Any | None:
    """The library's form of a compressed point, or None. Parsing takes a square root, so the newest keys are kept."""
    if len(data) != POINT_BYTES:
        return None
    point = ffi.new("secp256k1_pubkey *")
    return point if lib.secp256k1_ec_pubkey_parse(_ctx, point, data, POINT_BYTES) else None


def parsed_keys_forget() -> None:
    """Forget the kept keys, for measurements that must parse each of them."""
    _parsed.cache_clear()


def _serialised(point: Any) -> bytes:
    out, length = ffi.new("unsigned char[33]"), ffi.new("size_t *", POINT_BYTES)
    lib.secp256k1_ec_pubkey_serialize(_ctx, out, length, point, lib.SECP256K1_EC_COMPRESSED)
    return bytes(ffi.buffer(out, POINT_BYTES))


def _scalar(data: bytes) -> int:
    if not is_scalar(data):
        raise InvalidScalar
    return int.from_bytes(data, "big")


def _reduced(value: int) -> bytes:
    value %= ORDER
    if value == 0:
        raise InvalidScalar
    return value.to_bytes(SCALAR_BYTES, "big")


def _require_digest(digest: bytes) -> None:
    if len(digest) != 32:
        raise ValueError("a digest has 32 bytes")
