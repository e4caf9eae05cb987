"""The agents' protocol: one canonical form, limits, and a direction for each message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from households.consensus.errors import MessageMalformed, MessageNotCanonical, MessageTooLarge
from households.consensus.messages import (
    MAX_MESSAGE_BYTES,
    BatchPart,
    DeviceFactsAnnounced,
    Hello,
    Prove,
    QuantityFacts,
    SegmentAck,
    SegmentUpload,
    from_agent,
    from_hub,
    message_encode,
    prove_digest,
)  # fmt: skip

FACTS = DeviceFactsAnnounced("climate", "hall", "host-a", "m", (QuantityFacts("temperature", "C"),))


@pytest.mark.parametrize("message", [Hello(1, b"\2" * 33), Prove(FACTS, "code", b"\1" * 64), SegmentUpload(b"raw")])
def test_what_an_agent_says_is_read_back_as_it_was(message: object) -> None:
    assert from_agent(message_encode(message)) == message  # type: ignore[arg-type]


def test_messages_of_the_wrong_direction_are_refused() -> None:
    with pytest.raises(MessageMalformed):
        from_agent(message_encode(SegmentAck("temperature", 1, "", 61)))
    with pytest.raises(MessageMalformed):
        from_hub(message_encode(Hello(1, b"\2" * 33)))


def test_oversized_messages_are_neither_sent_nor_taken() -> None:
    with pytest.raises(MessageTooLarge):
        message_encode(BatchPart(b"\1" * 32, 0, (bytes(MAX_MESSAGE_BYTES),)))
    with pytest.raises(MessageTooLarge):
        from_agent(bytes(MAX_MESSAGE_BYTES + 1))


def test_a_second_encoding_of_the_same_message_is_refused() -> None:
    data = message_encode(Hello(1, b"\2" * 33))
    longer = data.replace(b"\x01\xc4", b"\xcc\x01\xc4")
    assert longer != data
    with pytest.raises(MessageNotCanonical):
        from_agent(longer)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_canonical(data: bytes) -> None:
    for decode in (from_agent, from_hub):
        try:
            message = decode(data)
        except (MessageMalformed, MessageNotCanonical):
            continue
        assert message_encode(message) == data


def test_the_proof_of_a_key_is_bound_to_ledger_nonce_key_and_facts() -> None:
    other = DeviceFactsAnnounced("climate", "kitchen", "host-a", "m", ())
    digests = {
        prove_digest("home-1", b"\1" * 32, b"\2" * 33, FACTS),
        prove_digest("home-2", b"\1" * 32, b"\2" * 33, FACTS),
        prove_digest("home-1", b"\3" * 32, b"\2" * 33, FACTS),
        prove_digest("home-1", b"\1" * 32, b"\3" * 33, FACTS),
        prove_digest("home-1", b"\1" * 32, b"\2" * 33, other),
    }
    assert len(digests) == 5
