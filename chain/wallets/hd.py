"""The owner's tree of keys: words (BIP-39), branches (BIP-32), and what each branch is for.

    m/7410'                     Hearth (a BIP-43 purpose)
    m/7410'/0'                  operational branch, which the hub holds; it tells nothing of the master
    m/7410'/0'/1'/i'            micro-wallet of device account i
    m/7410'/0'/1'/i'/j'         payee child j: one lot's rewards, never used twice
    m/7410'/0'/2'               home authority: X.509, owner of the device ledger
    m/7410'/0'/3'               hub key: proposes blocks of the device ledger
    m/7410'/0'/4'               cloud secret, from which all lots' secrets come
    m/7410'/0'/5'               the hub's account at the market
    m/7410'/0'/6'/n'            pseudonym of the home in one training job; its child 0' signs in the job's rounds
    m/7410'/0'/7'/n'            account of the home in one inquiry for a service, and in the orders that follow
    m/7410'/1'/0                master wallet's receiving key
    m/7410'/1'/1                master wallet's signing key (recovery of a home)
    m/7410'/2'/0'               an enterprise's wallet key

Everything that the hub hands out is hardened, so a leaked child key reveals neither its siblings nor its parent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bip32 import BIP32
from mnemonic import Mnemonic

from chain.crypto.aead import KeyMaterialInvalid
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from marketplace.common.errors import InputError

HARDENED = 2**31
PURPOSE = 7410
ENTROPY_BYTES = (16, 20, 24, 28, 32)
BRANCH_BYTES = 64
_LANGUAGE = Mnemonic("english")


class WordsInvalid(InputError):
    """The words are not a BIP-39 sentence: a wrong word, count or checksum."""

    code = "words_invalid"
    title = "These are not the words of a wallet"
    hint = "Check the spelling and the order of the words."


class PathInvalid(InputError):
    """A child index is outside 0..2^31-1."""

    code = "path_invalid"
    title = "There is no such branch"


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of the tree: a 32-byte secret and a 32-byte chain code. Its text shows neither."""

    secret: bytes = field(repr=False)
    chain_code: bytes = field(repr=False)

    @property
    def public_key(self) -> bytes:
        """The node's compressed public key, 33 bytes."""
        return public_key(self.secret)

    @property
    def address(self) -> bytes:
        """The node's 20-byte address."""
        return address_of(self.public_key)

    def child(self, index: int, *, hardened: bool = True) -> Branch:
        """The child of this index (BIP-32, CKDpriv); raises ``PathInvalid``."""
        if not 0 <= index < HARDENED:
            raise PathInvalid
        path = [index + HARDENED if hardened else index]
        chain_code, secret = BIP32(self.chain_code, privkey=self.secret).get_extended_privkey_from_path(path)
        return Branch(secret, chain_code)

    def to_bytes(self) -> bytes:
        """Secret and chain code, 64 bytes, to be sealed at once."""
        return self.secret + self.chain_code


def branch_of(data: bytes) -> Branch:
    """Undo ``Branch.to_bytes``; raises ``KeyMaterialInvalid``."""
    if len(data) != BRANCH_BYTES:
        raise KeyMaterialInvalid(f"A branch has {BRANCH_BYTES} bytes, not {len(data)}")
    return Branch(data[:32], data[32:])


def words_new(entropy: bytes) -> str:
    """The BIP-39 words of 16 to 32 fresh random bytes (32 give 24 words); raises ``KeyMaterialInvalid``."""
    if len(entropy) not in ENTROPY_BYTES:
        raise KeyMaterialInvalid("The entropy of a wallet has 16, 20, 24, 28 or 32 bytes")
    return _LANGUAGE.to_mnemonic(entropy)


def words_normalise(words: str) -> str:
    """The words in lower case with single spaces, their checksum verified; raises ``WordsInvalid``."""
    sentence = " ".join(words.lower().split())
    try:
        valid = _LANGUAGE.check(sentence)
    except ValueError:
        valid = False
    if not valid:
        raise WordsInvalid
    return sentence


def seed_of(words: str, passphrase: str = "") -> bytes:
    """The 64-byte seed of a sentence (BIP-39: PBKDF2-HMAC-SHA512, 2,048 rounds); raises ``WordsInvalid``."""
    return Mnemonic.to_seed(words_normalise(words), passphrase)


def root_of(seed: bytes) -> Branch:
    """The root m of a seed of 16 to 64 bytes (BIP-32)."""
    if not 16 <= len(seed) <= 64:
        raise KeyMaterialInvalid("A BIP-32 seed has 16 to 64 bytes")
    tree = BIP32.from_seed(seed)
    if tree.privkey is None:
        raise KeyMaterialInvalid
    return Branch(tree.privkey, tree.chaincode)


def operational_branch(root: Branch) -> Branch:
    """m/7410'/0': all that the hub needs day to day."""
    return root.child(PURPOSE).child(0)


def master_receive(root: Branch) -> Branch:
    """m/7410'/1'/0: where the owner collects the earnings."""
    return root.child(PURPOSE).child(1).child(0, hardened=False)


def master_signer(root: Branch) -> Branch:
    """m/7410'/1'/1: signs the recovery of a home whose voters are gone."""
    return root.child(PURPOSE).child(1).child(1, hardened=False)


def enterprise_key(root: Branch) -> Branch:
    """m/7410'/2'/0': the wallet of an enterprise."""
    return root.child(PURPOSE).child(2).child(0)


def micro_wallet(operational: Branch, account: int) -> Branch:
    """The micro-wallet of a device account; its address stands in the device's readings and certificate."""
    return operational.child(1).child(account)


def payee_child(operational: Branch, account: int, index: int) -> Branch:
    """A fresh child of a micro-wallet: signs one lot's digest and receives its rewards."""
    return micro_wallet(operational, account).child(index)


def home_authority(operational: Branch) -> Branch:
    """The home's certificate authority, and the owner's key on the device ledger."""
    return operational.child(2)


def hub_key(operational: Branch) -> Branch:
    """The key with which the hub proposes blocks of the device ledger."""
    return operational.child(3)


def cloud_secret(operational: Branch) -> bytes:
    """The 32 bytes from which the secrets of all lots are derived, so that words and backup suffice to deliver."""
    return operational.child(4).secret


def learning_pseudonym(operational: Branch, index: int) -> Branch:
    """The account under which the home takes part in one training job; no two jobs share one."""
    return operational.child(6).child(index)


def learning_job_key(operational: Branch, index: int) -> Branch:
    """The key with which a pseudonym signs in the rounds of its job."""
    return learning_pseudonym(operational, index).child(0)
