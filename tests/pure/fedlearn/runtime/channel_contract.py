"""What every channel promises: derive a test class and give it a ``sides`` fixture with an enterprise's and a hub's."""

from __future__ import annotations

import pytest

from fedlearn.runtime.errors import PathInvalid, PeerNotApproved
from fedlearn.runtime.names import job_path
from fedlearn.runtime.ports import Channel
from tests.pure.fedlearn.runtime.world import ENTERPRISE, HUB, JOB, got, hub_name


def inward(number: int, name: str = "global") -> str:
    return job_path(JOB, "in", number, name)


class ChannelContract:
    @pytest.fixture
    def sides(self, tmp_path):
        raise NotImplementedError

    def test_both_sides_are_channels(self, sides):
        assert [side.identity for side in sides] == [ENTERPRISE, HUB]
        assert all(isinstance(side, Channel) for side in sides)

    def test_messages_arrive_once_and_in_order_with_rising_numbers(self, sides):
        enterprise, hub = sides
        for number in range(12):
            enterprise.send(HUB, inward(number), bytes([number]))
        arrived = list(hub.receive())
        assert got(arrived) == [(ENTERPRISE, inward(number), bytes([number])) for number in range(12)]
        assert [message.number for message in arrived] == list(range(1, 13))
        assert list(hub.receive()) == []

    def test_a_message_that_was_not_finished_comes_again(self, sides):
        enterprise, hub = sides
        for number in range(3):
            enterprise.send(HUB, inward(number), b"x")
        for message in hub.receive():
            if message.path == inward(1):
                break
        assert [message.path for message in hub.receive()] == [inward(1), inward(2)]

    def test_an_explicit_ack_finishes_a_message_and_may_be_repeated(self, sides):
        enterprise, hub = sides
        enterprise.send(HUB, inward(0), b"x")
        enterprise.send(HUB, inward(1), b"y")
        message = next(iter(hub.receive()))
        hub.ack(message)
        hub.ack(message)
        assert [message.path for message in hub.receive()] == [inward(1)]

    def test_the_same_message_may_be_sent_twice_on_purpose(self, sides):
        enterprise, hub = sides
        enterprise.send(HUB, inward(0), b"x")
        enterprise.send(HUB, inward(0), b"x")
        assert [message.number for message in hub.receive()] == [1, 2]

    def test_empty_and_large_messages_arrive(self, sides):
        enterprise, hub = sides
        enterprise.send(HUB, inward(0), b"")
        enterprise.send(HUB, inward(1), b"\x00\xff" * 200_000)
        assert [message.data for message in hub.receive()] == [b"", b"\x00\xff" * 200_000]

    def test_a_pruned_round_is_over_for_what_waits_and_for_what_comes(self, sides):
        enterprise, hub = sides
        for number in range(4):
            enterprise.send(HUB, inward(number), b"x")
        enterprise.prune(JOB, 2)
        assert [message.path for message in hub.receive()] == [inward(2), inward(3)]
        hub.prune(JOB, 4)
        enterprise.send(HUB, inward(3, "late"), b"x")
        enterprise.send(HUB, inward(4), b"x")
        assert [message.path for message in hub.receive()] == [inward(4)]
        hub.prune(JOB, 1)  # lower than before: it stays where it was
        enterprise.send(HUB, inward(3, "later"), b"x")
        assert [message.path for message in hub.receive()] == []

    def test_only_peers_are_sent_to(self, sides):
        enterprise, _ = sides
        for peer in (hub_name(9), ENTERPRISE, "*", ""):
            with pytest.raises(PeerNotApproved):
                enterprise.send(peer, inward(0), b"x")

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "plan",
            "/offers/in/plan",
            "offers/in/",
            "offers//in",
            f"jobs/{JOB}/in/../../../private/crypto_keys.json",
            f"jobs/{JOB}/in/./x",
            f"jobs/{JOB}/in/.hidden",
            f"jobs/{JOB}/in/syft.pub.yaml",
            "private/syft_datasets/v1/meter/table.npy",
            f"jobs/{JOB}/in/" + "x" * 200,
            "offers/in/a\\b",
            "offers/in/a\nb",
        ],
    )
    def test_a_path_that_could_lead_elsewhere_is_refused(self, sides, path):
        enterprise, hub = sides
        with pytest.raises(PathInvalid):
            enterprise.send(HUB, path, b"x")
        assert list(hub.receive()) == []
