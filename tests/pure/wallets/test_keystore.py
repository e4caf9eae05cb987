"""Keystores, boxes and signers: the right secret opens, everything else has its own refusal, and nothing shows."""

from __future__ import annotations

import json

import pytest

from chain.core.transactions import tx_signature_valid
from chain.crypto.secp256k1 import InvalidScalar, verify
from chain.wallets.hd import seed_of, words_new
from chain.wallets.keystore import (
    BoxDamaged,
    KeystoreDamaged,
    WeakPassphrase,
    WrongPassphrase,
    keystore_open,
    keystore_seal,
    open_box,
    seal_box,
)
from chain.wallets.signer import Signer
from marketplace.common.errors import InputError

PASSPHRASE, SALT, NONCE = "correct horse battery", b"s" * 32, b"n" * 12
WORDS = words_new(bytes(range(32)))
STORE = keystore_seal(WORDS.encode(), PASSPHRASE, salt=SALT, nonce=NONCE)


def altered(**changes: object) -> str:
    return json.dumps(json.loads(STORE) | changes)


def test_the_passphrase_opens_the_keystore():
    assert keystore_open(STORE, PASSPHRASE).decode() == WORDS


def test_neither_words_nor_seed_nor_passphrase_occur_in_the_keystore():
    seeded = keystore_seal(seed_of(WORDS), PASSPHRASE, salt=SALT, nonce=NONCE)
    for store in (STORE, seeded):
        assert not any(word in json.loads(store).values() for word in WORDS.split())
        for secret in (WORDS, PASSPHRASE):
            assert secret not in store
            assert secret.encode().hex() not in store
        assert seed_of(WORDS).hex() not in store
        assert bytes(range(32)).hex() not in store


def test_a_wrong_passphrase_has_its_own_refusal():
    with pytest.raises(WrongPassphrase):
        keystore_open(STORE, PASSPHRASE + "x")


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", STORE[:-2], altered(data="00" * 40), altered(salt="00" * 32), altered(n=2**16), altered(extra=1)],
)
def test_a_damaged_keystore_is_not_taken_for_a_wrong_passphrase(text):
    with pytest.raises(KeystoreDamaged):
        keystore_open(text, PASSPHRASE)


def test_weak_terms_are_refused():
    with pytest.raises(WeakPassphrase):
        keystore_seal(b"secret", "short", salt=SALT, nonce=NONCE)
    for n in (2**14, 2**15 + 1, 2**21):
        with pytest.raises(InputError):
            keystore_seal(b"secret", PASSPHRASE, salt=SALT, nonce=NONCE, n=n)


def test_a_box_opens_with_its_key_and_context_alone():
    box = seal_box(b"k" * 32, b"branch", b"home/1", NONCE)
    assert open_box(b"k" * 32, box, b"home/1") == b"branch"
    assert b"branch" not in box
    for key, data, context in [
        (b"j" * 32, box, b"home/1"),
        (b"k" * 32, box, b"home/2"),
        (b"k" * 32, box[:-1], b"home/1"),
        (b"k" * 32, b"\x02" + box[1:], b"home/1"),
        (b"k" * 32, b"", b"home/1"),
    ]:
        with pytest.raises(BoxDamaged):
            open_box(key, data, context)


def test_a_signer_signs_transactions_that_verify_and_shows_no_secret():
    signer = Signer(b"\x07" * 32)
    signed = signer.sign_transaction("shared", 3, 99, "credits.transfer", b"args")
    assert signed.tx.sender == signer.public_key
    assert tx_signature_valid(signed)
    assert verify(signer.public_key, b"d" * 32, signer.sign_digest(b"d" * 32))
    assert "07" * 8 not in repr(signer)
    assert "\\x07" not in repr(signer)
    with pytest.raises(InvalidScalar):
        Signer(bytes(32))
