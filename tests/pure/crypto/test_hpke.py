"""HPKE base mode: the RFC's vectors, an independent implementation, and every refusal."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hpke as other
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chain.crypto.aead import DecryptFailed, KeyMaterialInvalid
from chain.crypto.hpke import OVERHEAD_BYTES, hpke_keypair, hpke_open, hpke_public, hpke_seal

VECTOR = {
    name: bytes.fromhex(value)
    for name, value in json.loads((Path(__file__).parents[2] / "vectors" / "hpke.json").read_text()).items()
    if name != "source"
}
SECRET, PUBLIC = hpke_keypair(b"seed" * 8)
SUITE = other.Suite(other.KEM.X25519, other.KDF.HKDF_SHA256, other.AEAD.AES_256_GCM)


def _key_schedule(shared: bytes, info: bytes, aead_id: int, key_bytes: int) -> tuple[bytes, bytes]:
    """RFC 9180, section 5.1, written out once more."""
    suite = b"HPKE" + bytes([0, 0x20, 0, 1, 0, aead_id])

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, hashlib.sha256)

    def expand(prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
        text = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return hmac.digest(prk, text + b"\x01", hashlib.sha256)[:length]

    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return expand(secret, b"key", context, key_bytes), expand(secret, b"base_nonce", context, 12)


def test_key_pairs_are_those_of_the_rfc():
    assert hpke_keypair(VECTOR["ikmR"]) == (VECTOR["skRm"], VECTOR["pkRm"])
    assert hpke_keypair(VECTOR["ikmE"]) == (VECTOR["skEm"], VECTOR["pkEm"])
    assert hpke_public(VECTOR["skRm"]) == VECTOR["pkRm"]


def test_open_takes_what_the_rfcs_key_schedule_seals_for_aes_256():
    # The RFC prints this key exchange with AES-128; our cipher differs in the suite's id and the key's length only.
    key, nonce = _key_schedule(VECTOR["shared_secret"], VECTOR["info"], 1, 16)
    assert (key, nonce) == (VECTOR["key"], VECTOR["base_nonce"])
    assert AESGCM(key).encrypt(nonce, VECTOR["pt"], VECTOR["aad"]) == VECTOR["ct"]
    key, nonce = _key_schedule(VECTOR["shared_secret"], VECTOR["info"], 2, 32)
    sealed = VECTOR["pkEm"] + AESGCM(key).encrypt(nonce, VECTOR["pt"], VECTOR["aad"])
    assert hpke_open(VECTOR["skRm"], sealed, VECTOR["aad"], VECTOR["info"]) == VECTOR["pt"]


def test_another_implementation_opens_what_we_seal_and_the_reverse():
    sealed = hpke_seal(PUBLIC, b"message", b"", b"info")
    assert SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(SECRET), b"info") == b"message"
    theirs = SUITE.encrypt(b"message", X25519PublicKey.from_public_bytes(PUBLIC), b"info")
    assert hpke_open(SECRET, theirs, b"", b"info") == b"message"


def test_sealing_twice_gives_different_bytes_of_known_length():
    first, second = (hpke_seal(PUBLIC, b"message", b"aad", b"info") for _ in range(2))
    assert first != second
    assert len(first) == len(b"message") + OVERHEAD_BYTES


@pytest.mark.parametrize("part", range(3))
def test_another_key_aad_or_info_does_not_open(part):
    arguments = [SECRET, hpke_seal(PUBLIC, b"message", b"aad", b"info"), b"aad", b"info"]
    arguments[(0, 2, 3)[part]] = hpke_keypair(b"else" * 8)[0]
    with pytest.raises(DecryptFailed):
        hpke_open(*arguments)


@pytest.mark.parametrize("position", [0, 31, 32, -1])
def test_altered_bytes_do_not_open(position):
    sealed = bytearray(hpke_seal(PUBLIC, b"message", b"aad", b"info"))
    sealed[position] ^= 1
    with pytest.raises(DecryptFailed):
        hpke_open(SECRET, bytes(sealed), b"aad", b"info")


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31), b"short"])
def test_public_keys_of_low_order_or_wrong_length_are_refused(public):
    with pytest.raises(KeyMaterialInvalid):
        hpke_seal(public, b"message", b"", b"")


def test_short_input_is_refused():
    with pytest.raises(DecryptFailed):
        hpke_open(SECRET, b"x" * (OVERHEAD_BYTES - 1), b"", b"")
    with pytest.raises(KeyMaterialInvalid):
        hpke_keypair(b"short")
