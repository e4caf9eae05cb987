"""The master wallet: words shown once and confirmed, restored from words, and the branch that the hub works with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from chain.crypto.aead import NONCE_BYTES
from chain.crypto.hashing import address_of
from chain.crypto.x509 import authority_create
from chain.wallets import hd
from chain.wallets.keystore import MIN_N, SALT_BYTES, keystore_open, keystore_seal
from households.errors import WordsOfAnotherWallet, WordsWrong
from households.models import HOME, HomeWallet, Household
from households.services.activity import activity_note
from households.services.secrets import OPERATIONAL, box_seal, node_key_ensure, node_key_renew_if_missing

ENTROPY_BYTES = 32
WORDS_ASKED = 3
AUTHORITY_YEARS = 30
_YEAR_MS = 366 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Keys:
    """What follows from a wallet's words. The text shows no secret."""

    words: str = field(repr=False)
    operational: hd.Branch
    authority: hd.Branch
    hub_key: bytes
    master_address: bytes
    recovery_key: bytes


def wallet_words_new() -> str:
    """24 fresh BIP-39 words."""
    return hd.words_new(secrets.token_bytes(ENTROPY_BYTES))


def wallet_keys(words: str) -> Keys:
    """All public keys and the operational branch of a wallet; raises ``WordsInvalid``."""
    sentence = hd.words_normalise(words)
    root = hd.root_of(hd.seed_of(sentence))
    operational = hd.operational_branch(root)
    return Keys(
        words=sentence,
        operational=operational,
        authority=hd.home_authority(operational),
        hub_key=hd.hub_key(operational).public_key,
        master_address=hd.master_receive(root).address,
        recovery_key=hd.master_signer(root).public_key,
    )


def wallet_create(*, household: Household, keys: Keys, passphrase: str, now_ms: int) -> HomeWallet:
    """Store a home's wallet: words under the passphrase, operational branch under the node's key.

    Raises ``WeakPassphrase``, ``NodeKeyMissing``.
    """
    node_key_ensure()
    name_id = address_of(keys.authority.public_key).hex()
    wallet = HomeWallet(
        household=household,
        keystore=_keystore(keys.words, passphrase),
        operational=box_seal(household, OPERATIONAL, keys.operational.to_bytes()),
        authority_key=keys.authority.public_key,
        authority_der=authority_create(keys.authority.secret, name_id, now_ms, now_ms + AUTHORITY_YEARS * _YEAR_MS),
        hub_key=keys.hub_key,
        master_address=keys.master_address,
        recovery_key=keys.recovery_key,
    )
    wallet.save(using=HOME, force_insert=True)
    return wallet


def wallet_open(*, household: Household, passphrase: str) -> str:
    """The wallet's words, for the moment in which the owner's own key is needed; raises ``WrongPassphrase``."""
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    return keystore_open(wallet.keystore, passphrase).decode()


def wallet_confirm_words(*, household: Household, positions: Mapping[int, str], passphrase: str) -> None:
    """The owner types some of the words (by position from 1) to show that they were written down.

    The words are compared with the opened keystore, so nothing of them is kept in clear. After this the home is active.
    Raises ``WordsWrong`` (too few or wrong words), ``WrongPassphrase``.
    """
    words = wallet_open(household=household, passphrase=passphrase).split()
    if len(positions) < WORDS_ASKED or not all(
        1 <= place <= len(words) and words[place - 1] == word.strip().lower() for place, word in positions.items()
    ):
        raise WordsWrong()
    with transaction.atomic(using=HOME):
        wallets = HomeWallet.objects.using(HOME)
        confirmed = wallets.filter(pk=household.pk, words_confirmed_at__isnull=True)
        if confirmed.update(words_confirmed_at=timezone.now()) == 1:
            homes = Household.objects.using(HOME).filter(pk=household.pk, state=Household.State.NEW)
            homes.update(state=Household.State.ACTIVE)
            activity_note(household=household, kind="wallet.words_confirmed", topic="wallet")


def wallet_restore(*, household: Household, words: str, passphrase: str) -> None:
    """Put a home's wallet back from its words: a new passphrase, and the branch sealed under this node's key.

    Raises ``WordsInvalid``, ``WordsOfAnotherWallet``, ``WeakPassphrase``.
    """
    keys = wallet_keys(words)
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    if bytes(wallet.master_address) != keys.master_address or bytes(wallet.authority_key) != keys.authority.public_key:
        raise WordsOfAnotherWallet()
    node_key_renew_if_missing()
    with transaction.atomic(using=HOME):
        HomeWallet.objects.using(HOME).filter(pk=household.pk).update(
            keystore=_keystore(keys.words, passphrase),
            operational=box_seal(household, OPERATIONAL, keys.operational.to_bytes()),
            market_token=b"",
        )
        activity_note(household=household, kind="wallet.restored", topic="wallet")


def _keystore(words: str, passphrase: str) -> str:
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    return keystore_seal(words.encode(), passphrase, salt=salt, nonce=nonce, n=MIN_N)
