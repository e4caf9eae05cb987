"""What lies in a mailbox and is no letter for its owner gets a reason of its own, and is never taken."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core.codec import encode
from fedlearn.runtime.envelopes import HEAD, MAX_MESSAGE, Letter, expand, seal, squeeze, unseal
from fedlearn.runtime.errors import (
    LetterMalformed,
    LetterMisaddressed,
    MailForged,
    MailOtherRecipient,
    MailUnreadable,
    MessageTooLarge,
    PeerNotApproved,
)
from marketplace.common.errors import HearthError
from tests.pure.fedlearn.runtime.world import ENTERPRISE, HUB, World, befriend, hub_name

PATH = "offers/in/plan"


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """The peer books of an enterprise and two hubs that are its peers."""
    world = World(tmp_path_factory.mktemp("books"))
    with world.stack:
        enterprise, hubs = world.open_enterprise(), [world.open_hub(hub_name(index)) for index in (1, 2)]
        befriend(enterprise, hubs)
        yield enterprise._peers, hubs[0]._peers, hubs[1]._peers


def letter(**changes: object) -> Letter:
    fields = {"number": 1, "sender": ENTERPRISE, "recipient": HUB, "path": PATH, "data": b"x" * 1000, **changes}
    return Letter(**fields)


def test_a_letter_is_what_it_was(books):
    enterprise, hub, _ = books
    sealed = seal(enterprise, letter(data=bytes(range(256)) * 100))
    assert unseal(hub, HUB, ENTERPRISE, sealed) == letter(data=bytes(range(256)) * 100)


def test_the_envelope_costs_less_than_1200_bytes(books):
    enterprise, _, _ = books
    assert len(seal(enterprise, letter(data=b""))) < 1200
    assert len(seal(enterprise, letter(data=b"\x07" * 40_000))) - 40_000 < 1200


@given(st.binary(max_size=300), st.integers(0, 5000), st.binary(max_size=300))
def test_squeezing_loses_nothing(before, zeros, after):
    envelope = before + bytes(zeros) + after
    assert expand(squeeze(envelope)) == envelope
    assert len(squeeze(envelope)) <= len(envelope) + 5


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b"\x01\x00\x00\x00", b"\x02\x00\x00\x00\x00abc", b"\x01\xff\xff\x00\x00abc"]
)
def test_what_was_not_squeezed_is_unreadable(data):
    with pytest.raises(MailUnreadable):
        expand(data)


def test_expanding_never_makes_more_than_a_head_of_zeros():
    assert len(expand(b"\x01\x00\x00" + HEAD.to_bytes(2, "big"))) == HEAD
    with pytest.raises(MailUnreadable):
        expand(b"\x01\x00\x00" + (HEAD + 1).to_bytes(2, "big"))


def test_an_envelope_cut_short_or_changed_anywhere_is_never_taken(books):
    enterprise, hub, _ = books
    sealed = seal(enterprise, letter())
    chance = random.Random(5)
    broken = [sealed[:length] for length in range(0, len(sealed), 7)] + [sealed + b"\x00"]
    for place in chance.sample(range(len(sealed)), 400):
        broken.append(sealed[:place] + bytes([sealed[place] ^ 1 << chance.randrange(8)]) + sealed[place + 1 :])
    codes = set()
    for data in broken:
        try:
            assert unseal(hub, HUB, ENTERPRISE, data) == letter()  # a changed place of the padding is still the letter
        except HearthError as fault:
            codes.add(fault.code)
    assert codes == {MailUnreadable.code, MailForged.code}
    with pytest.raises(MailUnreadable):
        unseal(hub, HUB, ENTERPRISE, sealed[:-1])


def test_a_sender_cannot_be_forged(books):
    enterprise, hub, other = books
    forged = squeeze(other.keys.encrypt(ENTERPRISE, encode(letter(sender=HUB, recipient=ENTERPRISE))))
    with pytest.raises(MailForged):
        unseal(enterprise, ENTERPRISE, HUB, forged)
    named = squeeze(other.keys.encrypt(ENTERPRISE, encode(letter(sender=HUB, recipient=ENTERPRISE))))
    with pytest.raises(LetterMisaddressed):
        unseal(enterprise, ENTERPRISE, hub_name(2), named)
    assert hub.is_approved(ENTERPRISE)


def test_a_letter_for_another_hub_or_for_several_is_not_taken(books):
    from fedlearn.runtime.syftlib import syc

    enterprise, hub, _ = books
    for_other = seal(enterprise, letter(recipient=hub_name(2)))
    with pytest.raises(MailOtherRecipient):
        unseal(hub, HUB, ENTERPRISE, for_other)
    bundles = {name: enterprise.keys._get_parsed_peer_bundle(name) for name in (HUB, hub_name(2))}
    both = [syc.EncryptionRecipient(name, bundle) for name, bundle in bundles.items()]
    keys = enterprise.keys._ensure_private_keys()
    with pytest.raises(MailOtherRecipient):
        unseal(hub, HUB, ENTERPRISE, squeeze(syc.encrypt_message(ENTERPRISE, keys, both, encode(letter()))))


def test_an_envelope_with_something_else_inside_is_malformed(books):
    enterprise, hub, _ = books
    for plain in (b"", b"{}", encode(letter()) + b"\x00", encode(letter(number=1))[:-1]):
        with pytest.raises(LetterMalformed):
            unseal(hub, HUB, ENTERPRISE, squeeze(enterprise.keys.encrypt(HUB, plain)))


def test_letters_for_oneself_too_large_or_to_nobody_are_not_sealed(books):
    enterprise, _, _ = books
    with pytest.raises(MessageTooLarge):
        seal(enterprise, letter(data=bytes(MAX_MESSAGE + 1)))
    for recipient in (ENTERPRISE, hub_name(9)):
        with pytest.raises(PeerNotApproved):
            seal(enterprise, letter(recipient=recipient))
