"""Words, tree and addresses: the BIPs' own vectors, and Hearth's branches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bip32 import BIP32
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.crypto.aead import KeyMaterialInvalid
from chain.crypto.hashing import address_of
from chain.wallets import hd
from chain.wallets.address import AddressInvalid, address_parse, address_text

VECTORS = Path(__file__).parents[2] / "vectors"
BIP39 = json.loads((VECTORS / "bip39.json").read_text())
BIP32_VECTORS = json.loads((VECTORS / "bip32.json").read_text())["vectors"]
WORDS = BIP39["vectors"][5]["words"]


def extended(branch: hd.Branch, like: str) -> str:
    """The branch as an xprv with depth, number and parent taken from the expected one."""
    expected = BIP32.from_xpriv(like)
    return BIP32(
        branch.chain_code,
        privkey=branch.secret,
        fingerprint=expected.parent_fingerprint,
        depth=expected.depth,
        index=expected.index,
    ).get_xpriv()


@pytest.mark.parametrize("vector", BIP39["vectors"], ids=lambda vector: vector["entropy"][:12])
def test_words_seed_and_root_are_those_of_bip_39(vector):
    assert hd.words_new(bytes.fromhex(vector["entropy"])) == vector["words"]
    seed = hd.seed_of(vector["words"], BIP39["passphrase"])
    assert seed.hex() == vector["seed"]
    assert extended(hd.root_of(seed), vector["xprv"]) == vector["xprv"]


@pytest.mark.parametrize("vector", BIP32_VECTORS, ids=lambda vector: vector["seed"][:4] + vector["path"])
def test_branches_are_those_of_bip_32(vector):
    branch = hd.root_of(bytes.fromhex(vector["seed"]))
    for step in vector["path"].split("/")[1:]:
        branch = branch.child(int(step.rstrip("'")), hardened=step.endswith("'"))
    assert extended(branch, vector["xprv"]) == vector["xprv"]
    assert branch.public_key == BIP32.from_xpub(vector["xpub"]).pubkey


def test_words_restore_every_address():
    def addresses(words: str) -> list[bytes]:
        root = hd.root_of(hd.seed_of(words))
        operational = hd.operational_branch(root)
        keys = [hd.master_receive(root), hd.master_signer(root), hd.enterprise_key(root), hd.hub_key(operational)]
        keys += [hd.home_authority(operational)]
        keys += [hd.micro_wallet(operational, account) for account in range(3)]
        keys += [hd.payee_child(operational, account, index) for account in range(3) for index in range(3)]
        return [key.address for key in keys] + [hd.cloud_secret(operational)]

    first = addresses(WORDS)
    assert first == addresses("  " + WORDS.upper().replace(" ", "   "))
    assert len(set(first)) == len(first)


def test_paths_are_the_documented_ones():
    root = hd.root_of(hd.seed_of(WORDS))
    tree = BIP32.from_seed(hd.seed_of(WORDS))
    operational = hd.operational_branch(root)
    documented = {
        "m/7410'/0'/1'/4'/9'": hd.payee_child(operational, 4, 9).secret,
        "m/7410'/0'/1'/4'": hd.micro_wallet(operational, 4).secret,
        "m/7410'/0'/2'": hd.home_authority(operational).secret,
        "m/7410'/0'/3'": hd.hub_key(operational).secret,
        "m/7410'/0'/4'": hd.cloud_secret(operational),
        "m/7410'/0'/6'/7'": hd.learning_pseudonym(operational, 7).secret,
        "m/7410'/0'/6'/7'/0'": hd.learning_job_key(operational, 7).secret,
        "m/7410'/1'/0": hd.master_receive(root).secret,
        "m/7410'/1'/1": hd.master_signer(root).secret,
        "m/7410'/2'/0'": hd.enterprise_key(root).secret,
    }
    for path, secret in documented.items():
        assert tree.get_privkey_from_path(path) == secret, path


def test_a_branch_never_prints_its_secret():
    branch = hd.operational_branch(hd.root_of(hd.seed_of(WORDS)))
    assert branch.secret.hex() not in repr(branch) + str(branch)
    assert repr(branch.secret) not in repr(branch)
    assert hd.branch_of(branch.to_bytes()) == branch
    with pytest.raises(KeyMaterialInvalid):
        hd.branch_of(b"short")


@pytest.mark.parametrize("words", ["", "abandon " * 12, WORDS.replace("art", "zoo"), WORDS + " zoo", "nonsense " * 24])
def test_words_that_are_no_wallet_are_refused(words):
    with pytest.raises(hd.WordsInvalid):
        hd.seed_of(words)


def test_entropy_seeds_and_indices_out_of_range_are_refused():
    with pytest.raises(KeyMaterialInvalid):
        hd.words_new(b"x" * 15)
    with pytest.raises(KeyMaterialInvalid):
        hd.root_of(b"x" * 15)
    for index in (-1, 2**31):
        with pytest.raises(hd.PathInvalid):
            hd.root_of(b"x" * 16).child(index)


@given(st.binary(min_size=20, max_size=20))
def test_an_address_reads_back_in_either_case(address):
    text = address_text(address)
    assert text.startswith("hearth1")
    assert address_parse(text) == address == address_parse(text.upper())


@settings(max_examples=50)
@given(st.binary(min_size=20, max_size=20), st.data())
def test_one_wrong_letter_in_an_address_is_found(address, data):
    text = address_text(address)
    position = data.draw(st.integers(len("hearth1"), len(text) - 1))
    letter = data.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda new: new != text[position]))
    with pytest.raises(AddressInvalid):
        address_parse(text[:position] + letter + text[position + 1 :])


@pytest.mark.parametrize("text", ["", "hearth1", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Hearth1qq"])
def test_other_texts_are_no_address(text):
    with pytest.raises(AddressInvalid):
        address_parse(text)
    with pytest.raises(AddressInvalid):
        address_text(b"short")


def test_the_address_is_of_the_public_key():
    branch = hd.root_of(b"x" * 16)
    assert branch.address == address_of(branch.public_key)
