"""AES-256-GCM, HKDF and scrypt: the standards' own vectors, and that nothing altered opens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.crypto.aead import DecryptFailed, KeyMaterialInvalid, open_, seal
from chain.crypto.kdf import hkdf, scrypt_key

KEY, NONCE = b"k" * 32, b"n" * 12


def test_seal_gives_the_bytes_of_the_gcm_specification():
    # McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    sealed = seal(key, bytes.fromhex("cafebabefacedbaddecaf888"), plaintext, aad)
    assert sealed.hex().endswith("76fc6ece0f4e1768cddf8853bb2d551b")


def test_hkdf_gives_the_bytes_of_rfc_5869_case_1():
    okm = hkdf(b"\x0b" * 22, bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), 42, bytes(range(13)))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


def test_hkdf_refuses_lengths_it_cannot_give():
    with pytest.raises(ValueError, match="8160"):
        hkdf(b"s", b"", 8161)


def test_scrypt_gives_the_bytes_of_rfc_7914():
    key = scrypt_key(b"pleaseletmein", b"SodiumChloride", 16384, 8, 1)
    assert key.hex() == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_opens_again(plaintext, aad):
    assert open_(KEY, NONCE, seal(KEY, NONCE, plaintext, aad), aad) == plaintext


@given(st.binary(max_size=64), st.data())
def test_no_altered_byte_opens(plaintext, data):
    sealed = bytearray(seal(KEY, NONCE, plaintext, b"aad"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DecryptFailed):
        open_(KEY, NONCE, bytes(sealed), b"aad")


@pytest.mark.parametrize("key, nonce", [(b"k" * 16, NONCE), (KEY, b"n" * 16)])
def test_keys_and_nonces_of_other_lengths_are_refused(key, nonce):
    with pytest.raises(KeyMaterialInvalid):
        seal(key, nonce, b"", b"")


def test_less_than_a_tag_does_not_open():
    with pytest.raises(DecryptFailed):
        open_(KEY, NONCE, b"short", b"")
