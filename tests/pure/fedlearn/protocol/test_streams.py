"""Keystreams, agreements and boxes: what secure aggregation takes from chain.crypto."""

from __future__ import annotations

import numpy as np
import pytest

from chain.crypto.aead import DecryptFailed, KeyMaterialInvalid
from chain.crypto.boxes import BOX_OVERHEAD_BYTES, box_open, box_seal
from chain.crypto.prg import Keystream, SeededRandom, keystream
from chain.crypto.x25519 import X25519Secret, is_usable_public

A, B = X25519Secret(b"a" * 32), X25519Secret(b"b" * 32)


def test_a_keystream_is_aes_256_in_counter_mode():
    # The zero block under the key of FIPS 197, appendix C.3.
    key = bytes(range(32))
    first = keystream(key, 4).astype("<u4").tobytes()
    assert first.hex() == "f29000b62a499fd0a9f39a6add2e7780"
    assert (keystream(key, 1000)[:4] == keystream(key, 4)).all()


def test_one_stream_object_gives_every_seed_its_own_words():
    stream = Keystream(100)
    first = stream.words(b"1" * 32).copy()
    assert (stream.words(b"2" * 32) != first).any()
    assert (stream.words(b"1" * 32) == first).all() and first.dtype == np.uint32


def test_a_short_seed_is_refused():
    for broken in (b"", b"k" * 16, b"k" * 33):
        with pytest.raises(KeyMaterialInvalid):
            keystream(broken, 4)
        with pytest.raises(KeyMaterialInvalid):
            SeededRandom(broken)


def test_seeded_random_gives_one_stream_however_it_is_cut():
    whole = SeededRandom(b"s" * 32)(10_000)
    cut = SeededRandom(b"s" * 32)
    assert b"".join(cut(size) for size in (1, 31, 5000, 0, 4968)) == whole
    assert SeededRandom(b"t" * 32)(32) != whole[:32]


def test_x25519_agrees_as_rfc_7748_says():
    alice_public = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    bob = X25519Secret(bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
    assert bob.public.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert bob.agree(alice_public).hex() == shared
    assert A.agree(B.public) == B.agree(A.public)


def test_what_is_derived_is_equal_on_both_sides_and_bound_to_its_use():
    assert A.derive(B.public, b"use", 64) == B.derive(A.public, b"use", 64)
    assert A.derive(B.public, b"use") != A.derive(B.public, b"other use")
    assert A.derive(B.public, b"use") != A.derive(X25519Secret(b"c" * 32).public, b"use")


@pytest.mark.parametrize("public", [b"", b"k" * 31, bytes(32), (1).to_bytes(32, "little")])
def test_a_public_key_of_low_order_or_wrong_length_is_refused(public):
    with pytest.raises(KeyMaterialInvalid):
        A.agree(public)


def test_two_forms_of_one_public_key_derive_different_keys():
    """The top bit of a public key is ignored by the agreement (RFC 7748, section 5), but not by what is derived."""
    twin = B.public[:31] + bytes([B.public[31] | 0x80])
    assert twin != B.public and A.agree(twin) == A.agree(B.public)
    assert A.derive(twin, b"use") != A.derive(B.public, b"use")


def test_only_a_public_key_in_its_one_form_and_of_high_order_is_usable():
    assert is_usable_public(B.public)
    twin = B.public[:31] + bytes([B.public[31] | 0x80])
    for public in (twin, B.public[:31], bytes(32), (1).to_bytes(32, "little"), (2**255 - 18).to_bytes(32, "little")):
        assert not is_usable_public(public)


def test_a_box_opens_with_its_key_and_data_only():
    box = box_seal(b"k" * 32, b"shares", b"aad")
    assert len(box) == len(b"shares") + BOX_OVERHEAD_BYTES and box_open(b"k" * 32, box, b"aad") == b"shares"
    for key, data, aad in ((b"l" * 32, box, b"aad"), (b"k" * 32, box, b""), (b"k" * 32, box[:-1] + b"x", b"aad")):
        with pytest.raises(DecryptFailed):
            box_open(key, data, aad)
    with pytest.raises(DecryptFailed):
        box_open(b"k" * 32, b"", b"aad")
    with pytest.raises(KeyMaterialInvalid):
        box_seal(b"k" * 16, b"", b"")
