"""Whatever lies in a mailbox and whenever the store fails: nothing is lost, taken twice, or in the way of the rest."""

from __future__ import annotations

import logging

import pytest

from chain.core.codec import encode
from fedlearn.runtime.counters import BACKLOG
from fedlearn.runtime.envelopes import MAX_OBJECT, Letter, squeeze
from fedlearn.runtime.errors import (
    MailboxFull,
    MessageTooLarge,
    NodeDamaged,
    PathNotPermitted,
    StoreUnavailable,
)
from fedlearn.runtime.names import job_path, offer_path, store_key, tag_of
from fedlearn.runtime.nodes import EnterpriseNode
from fedlearn.runtime.state import MemoryState
from fedlearn.runtime.stores import DirectoryStore
from tests.pure.fedlearn.runtime.world import (
    ENTERPRISE,
    HUB,
    JOB,
    STRANGER,
    FlakyStore,
    World,
    befriend,
    content,
    got,
    hub_name,
    mail,
    pair,
)

SENTINEL = b"RAW-READING-21.375"
GOOD = job_path(JOB, "in", 9, "good")


def path_in(number: int) -> str:
    return job_path(JOB, "in", number, "global")


def sealed(node, peer: str, **changes: object) -> bytes:
    """A letter as a node's own keys make it, with whatever the test wants inside."""
    fields = {"number": 1, "sender": node.identity, "recipient": peer, "path": path_in(0), "data": SENTINEL, **changes}
    return squeeze(node._peers.keys.encrypt(peer, encode(Letter(**fields))))


def _cut(enterprise, hub, other) -> bytes:
    return sealed(enterprise, HUB)[:-9]


def _changed(enterprise, hub, other) -> bytes:
    data = bytearray(sealed(enterprise, HUB))
    data[-30] ^= 1
    return bytes(data)


BAD = {
    "mail_unreadable": [lambda *_: b"", lambda *_: b"garbage" * 50, lambda *_: SENTINEL, _cut, _changed],
    "mail_too_large": [lambda *_: bytes(MAX_OBJECT + 1)],
    "mail_forged": [
        lambda enterprise, hub, other: sealed(other, ENTERPRISE, sender=ENTERPRISE, recipient=HUB),
    ],
    "mail_other_recipient": [lambda enterprise, hub, other: sealed(enterprise, other.identity)],
    "mail_malformed": [
        lambda enterprise, *_: squeeze(enterprise._peers.keys.encrypt(HUB, b"{}" + SENTINEL)),
        lambda enterprise, *_: sealed(enterprise, HUB, path="offers/in/" + "x" * 300),
    ],
    "mail_misaddressed": [
        lambda enterprise, *_: sealed(enterprise, HUB, sender=STRANGER),
        lambda enterprise, *_: sealed(enterprise, HUB, recipient=hub_name(2)),
    ],
    "mail_replayed": [lambda enterprise, *_: sealed(enterprise, HUB, number=0)],
    "mail_path": [
        lambda enterprise, *_: sealed(enterprise, HUB, path=f"jobs/{JOB}/in/../../../private/crypto_keys.json"),
        lambda enterprise, *_: sealed(enterprise, HUB, path="/etc/passwd"),
        lambda enterprise, *_: sealed(enterprise, HUB, path=f"jobs/{JOB}/in/syft.pub.yaml"),
        lambda enterprise, *_: sealed(enterprise, HUB, path=""),
    ],
    "mail_not_permitted": [
        lambda enterprise, *_: sealed(enterprise, HUB, path=f"jobs/{JOB}/out/0/masked"),
        lambda enterprise, *_: sealed(enterprise, HUB, path="jobs/ffff/in/0/global"),
        lambda enterprise, *_: sealed(enterprise, HUB, path="public/syft_datasets/v1/meter/mock"),
    ],
}


@pytest.mark.parametrize(("code", "make"), [(code, make) for code, makes in BAD.items() for make in makes])
def test_a_bad_object_is_dropped_with_its_reason_and_the_next_letter_arrives(tmp_path, caplog, code, make):
    world = World(tmp_path)
    with world.stack:
        enterprise, hub, other = world.open_enterprise(), world.open_hub(), world.open_hub(hub_name(2))
        befriend(enterprise, [hub, other])
        key = store_key("mail", HUB, ENTERPRISE, 0)
        world.store.put(key, make(enterprise, hub, other))
        enterprise.send(HUB, GOOD, b"good")
        assert got(hub.receive()) == [(ENTERPRISE, GOOD, b"good")]
        assert mail(world.store, HUB) == []
        assert [record.getMessage() for record in caplog.records] == [f"dropped {key}: {code}"]
        assert SENTINEL.decode() not in caplog.text


def test_a_stranger_with_a_real_node_is_not_heard_under_a_peers_name(tmp_path, caplog):
    with pair(tmp_path) as (world, _, hub):
        forged = World(tmp_path / "forged", pins={HUB: hub.fingerprint})
        with forged.stack:
            forger = forged.open_enterprise()
            forger._peers._desk.peer_update(HUB, "accepted", hub._peers.keys.get_public_bundle())
            forger._peers._desk.flush()
            forged.close()
            forger = forged.open_enterprise()
            assert forger.approved() == [HUB]
            world.store.put(store_key("mail", HUB, ENTERPRISE, 1), sealed(forger, HUB))
        assert got(hub.receive()) == []
        assert "mail_forged" in caplog.text


@pytest.mark.parametrize("name", ["x", "1", "0000000000000001/deeper", "99999999999999999"])
def test_an_object_with_a_strange_name_is_dropped(tmp_path, caplog, name):
    with pair(tmp_path) as (world, enterprise, hub):
        key = f"{store_key('mail', HUB, ENTERPRISE)}/{name}"
        world.store.put(key, b"x")
        enterprise.send(HUB, GOOD, b"good")
        assert got(hub.receive()) == [(ENTERPRISE, GOOD, b"good")]
        assert f"dropped {key}: mail_key" in caplog.text


def test_replayed_doubled_and_reordered_objects_are_each_taken_once(tmp_path):
    with pair(tmp_path) as (world, enterprise, hub):
        for number in range(6):
            enterprise.send(HUB, path_in(number), bytes([number]))
        keys = mail(world.store, HUB)
        objects = [world.store.get(key, 10**6) for key in keys]
        for key, data in zip(keys, reversed(objects), strict=True):
            world.store.put(key, data)
        world.store.put(store_key("mail", HUB, ENTERPRISE, 77), objects[3])
        assert [message.data[0] for message in hub.receive()] == [5, 4, 3, 2, 1, 0]
        for key, data in zip(keys, objects, strict=True):
            world.store.put(key, data)
        world.close()
        hub, enterprise = world.open_hub(), world.open_enterprise()
        assert got(hub.receive()) == []
        enterprise.send(HUB, GOOD, b"good")
        assert got(hub.receive()) == [(ENTERPRISE, GOOD, b"good")]


def test_what_may_not_be_sent_is_not_sent(tmp_path):
    with pair(tmp_path) as (world, enterprise, hub):
        before = content(world.store)
        for node, peer, path in (
            (enterprise, HUB, job_path(JOB, "out", 0, "masked")),
            (enterprise, HUB, "jobs/ffff/in/0/global"),
            (enterprise, HUB, "elsewhere/x"),
            (hub, ENTERPRISE, "elsewhere/x"),
            (hub, ENTERPRISE, "public/syft_datasets/v1/meter/mock"),
        ):
            with pytest.raises(PathNotPermitted):
                node.send(peer, path, b"x")
        with pytest.raises(MessageTooLarge):
            enterprise.send(HUB, path_in(0), bytes(MAX_OBJECT))
        assert content(world.store) == before


# A store that fails.


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_letter_whose_sending_failed_is_sent_again_and_taken_once(tmp_path, when):
    store = FlakyStore()
    with pair(tmp_path, store) as (world, enterprise, hub):
        enterprise.send(HUB, path_in(0), b"0")
        setattr(store, when, lambda call, key: call == "put")
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                enterprise.send(HUB, path_in(1), b"1")
        store.heal()
        first = got(hub.receive())
        enterprise.send(HUB, path_in(2), b"2")
        second = got(hub.receive())
        world.close()  # the same letter after a restart, and later than others: still the same letter
        hub, enterprise = world.open_hub(), world.open_enterprise()
        enterprise.send(HUB, path_in(1), b"1")
        third = got(hub.receive())
        assert sorted(data for _, _, data in first + second + third) == [b"0", b"1", b"2"]
        assert mail(store, HUB) == []


def test_a_list_or_get_that_fails_is_told_and_nothing_is_lost(tmp_path):
    store = FlakyStore()
    with pair(tmp_path, store) as (_, enterprise, hub):
        for number in range(3):
            enterprise.send(HUB, path_in(number), b"x")
        for call in ("keys", "get"):
            store.before = lambda made, key, call=call: made == call
            with pytest.raises(StoreUnavailable):
                list(hub.receive())
        asked = []
        store.before = lambda made, key: made == "get" and asked.append(key) is None and len(asked) == 2
        arrived = []
        with pytest.raises(StoreUnavailable):
            for message in hub.receive():
                arrived.append(message.path)
        store.heal()
        arrived += [message.path for message in hub.receive()]
        assert arrived == [path_in(0), path_in(1), path_in(2)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delete_that_fails_stands_in_nobodys_way(tmp_path, when):
    store = FlakyStore()
    with pair(tmp_path, store) as (_, enterprise, hub):
        for number in range(3):
            enterprise.send(HUB, path_in(number), b"x")
        store.put(store_key("mail", HUB, ENTERPRISE, 0), b"garbage")
        setattr(store, when, lambda call, key: call == "delete")
        assert [message.path for message in hub.receive()] == [path_in(0), path_in(1), path_in(2)]
        assert list(hub.receive()) == []
        store.heal()
        assert list(hub.receive()) == []
        assert mail(store, HUB) == []


class _FullDisk(MemoryState):
    """A place for counters that refuses to save."""

    full = False

    def save(self, name: str, data: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().save(name, data)


def test_without_a_saved_number_nothing_is_sent_and_nothing_is_done_with(tmp_path):
    world, state = World(tmp_path), _FullDisk()
    with world.stack:
        hub = world.open_hub()
        enterprise = world.stack.enter_context(
            EnterpriseNode.opened(tmp_path / "e", ENTERPRISE, world.store, world.pins, state)
        )
        world.pins[ENTERPRISE] = enterprise.fingerprint
        befriend(enterprise, [hub])
        hub.send(ENTERPRISE, job_path(JOB, "out", 0, "masked"), b"u")
        state.full = True
        with pytest.raises(OSError, match="No space"):
            enterprise.send(HUB, path_in(0), b"x")
        assert mail(world.store, HUB) == []
        with pytest.raises(OSError, match="No space"):
            list(enterprise.receive())
        state.full = False
        assert len(got(enterprise.receive())) == 1
        enterprise.send(HUB, path_in(0), b"x")
        assert [message.number for message in hub.receive()] == [1]
        state.save(HUB, b"nonsense")
        world.close()
        reopened = EnterpriseNode.opened(tmp_path / "e", ENTERPRISE, world.store, world.pins, state)
        with reopened as enterprise, pytest.raises(NodeDamaged):
            enterprise.send(HUB, path_in(1), b"x")


# What is kept.


def _sizes(world: World) -> tuple[int, int, int, int]:
    """Objects and bytes on the store, files and bytes in the nodes' folders."""
    objects = content(world.store)
    files = [path for path in world.root.rglob("*") if path.is_file()]
    return len(objects), sum(map(len, objects.values())), len(files), sum(path.stat().st_size for path in files)


def test_nothing_grows_with_the_number_of_rounds(tmp_path):
    world = World(tmp_path)
    sizes = []
    with world.stack:
        enterprise = world.open_enterprise()
        hubs = [world.open_hub(hub_name(index)) for index in range(3)]
        befriend(enterprise, hubs)
        for number in range(50):
            for hub in hubs:
                enterprise.send(hub.identity, path_in(number), b"g" * 500)
            for hub in hubs[:-1]:  # one hub is never there
                assert len(got(hub.receive())) == 1
                hub.send(ENTERPRISE, job_path(JOB, "out", number, "masked"), b"u" * 500)
            assert len(got(enterprise.receive())) == 2
            for node in (enterprise, *hubs[:-1]):
                node.prune(JOB, number + 1)
            if number >= 10:
                sizes.append(_sizes(world))
    assert len({size[:3] for size in sizes}) == 1
    assert sizes[0][0] == 12  # for each hub a request and a bundle in each direction
    assert max(size[3] for size in sizes) - min(size[3] for size in sizes) < 100  # digits of numbers


def test_mail_that_nobody_fetches_is_bounded_and_pruning_makes_room(tmp_path):
    with pair(tmp_path) as (world, enterprise, hub):
        for number in range(BACKLOG):
            enterprise.send(HUB, path_in(number), b"x")
        with pytest.raises(MailboxFull):
            enterprise.send(HUB, path_in(BACKLOG), b"x")
        assert len(mail(world.store, HUB)) == BACKLOG
        enterprise.prune(JOB, 10)
        enterprise.send(HUB, path_in(BACKLOG), b"x")
        assert len(list(hub.receive())) == BACKLOG - 9
        for number in range(BACKLOG):  # all of it was fetched: there is room again
            enterprise.send(HUB, offer_path("in", f"plan{number}"), b"x")


# What can be read by others.


def test_no_plaintext_on_the_store_in_the_log_or_in_the_counters(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    store = FlakyStore(DirectoryStore.create(tmp_path / "store"))
    with pair(tmp_path / "nodes", store) as (_, enterprise, hub):
        name = SENTINEL.decode()
        for number in range(3):
            enterprise.send(HUB, job_path(JOB, "in", number, name), SENTINEL * 100)
        hub.send(ENTERPRISE, job_path(JOB, "out", 0, name), SENTINEL * 100)
        lying = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
        assert len(lying) > 6
        store.put(mail(store, HUB)[0], store.get(mail(store, HUB)[0], 10**6)[:-1])
        store.before = lambda call, key: call == "delete"
        assert [message.data for message in hub.receive()] == [SENTINEL * 100] * 2
        store.heal()
        assert len(list(enterprise.receive())) == 1
        enterprise.send(HUB, job_path(JOB, "in", 4, name), SENTINEL)
        for path in tmp_path.rglob("*"):
            assert name not in path.name
            assert not path.is_file() or SENTINEL not in path.read_bytes()
        assert "mail_unreadable" in caplog.text and "store_unavailable" in caplog.text
        assert name not in caplog.text
        secret = (tmp_path / "nodes" / tag_of(HUB) / "box" / HUB / "private" / "crypto_keys.json").read_bytes()
        assert b'"d"' in secret
        assert all(b'"d"' not in path.read_bytes() for path in lying if path.exists())
