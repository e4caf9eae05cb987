"""The mailbox and the channel in memory keep the same promises."""

from __future__ import annotations

import random

import pytest

from fedlearn.runtime.memory import Faults, MemoryPost
from fedlearn.runtime.stores import DirectoryStore
from tests.pure.fedlearn.runtime.channel_contract import ChannelContract, inward
from tests.pure.fedlearn.runtime.world import ENTERPRISE, HUB, got, hub_name, pair


class TestMailbox(ChannelContract):
    @pytest.fixture
    def sides(self, tmp_path):
        with pair(tmp_path, DirectoryStore.create(tmp_path / "store")) as (_, enterprise, hub):
            yield enterprise, hub


class TestMemoryChannel(ChannelContract):
    @pytest.fixture
    def sides(self, tmp_path):
        post = MemoryPost()
        post.connect(ENTERPRISE, HUB)
        return post.channel(ENTERPRISE), post.channel(HUB)


def _run(faults: Faults, seed: int) -> list[tuple[int, bytes]]:
    post = MemoryPost(faults, random.Random(seed))
    post.connect(ENTERPRISE, HUB)
    for number in range(200):
        post.channel(ENTERPRISE).send(HUB, inward(number), str(number).encode())
    return [(message.number, message.data) for message in post.channel(HUB).receive()]


def test_without_faults_nothing_happens_and_with_a_seed_the_same_happens():
    assert _run(Faults(), 1) == [(number + 1, str(number).encode()) for number in range(200)]
    mixed = Faults(lost=0.1, twice=0.1, early=0.1)
    assert _run(mixed, 1) == _run(mixed, 1) != _run(mixed, 2)


def test_faults_are_of_the_kind_asked_for():
    lost, twice, early = (_run(Faults(**{kind: 0.3}), 3) for kind in ("lost", "twice", "early"))
    assert len(lost) == len(set(lost)) < 200 and lost == sorted(lost)
    assert len(twice) > 200 and set(twice) == set(_run(Faults(), 0))  # a copy has the number of its original
    assert len(early) == 200 and set(early) == set(_run(Faults(), 0)) and early != sorted(early)


def test_both_copies_of_a_doubled_message_come_even_if_the_first_is_acknowledged_by_hand():
    post = MemoryPost(Faults(twice=1.0))
    post.connect(ENTERPRISE, HUB)
    hub = post.channel(HUB)
    post.channel(ENTERPRISE).send(HUB, inward(0), b"x")
    seen = 0
    for message in hub.receive():
        hub.ack(message)
        seen += 1
    assert seen == 2


def test_who_is_cut_off_gets_nothing_and_the_others_do():
    post = MemoryPost()
    other = hub_name(2)
    for hub in (HUB, other):
        post.connect(ENTERPRISE, hub)
        post.channel(ENTERPRISE).send(hub, inward(0), b"x")
    post.disconnect(ENTERPRISE, HUB)
    assert got(post.channel(HUB).receive()) == []
    assert len(got(post.channel(other).receive())) == 1
