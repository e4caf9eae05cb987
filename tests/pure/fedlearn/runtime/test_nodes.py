"""Requests, consent, keys, revocation: who may exchange mail, and with whose keys."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest

from fedlearn.runtime.errors import (
    IdentityInvalid,
    NodeBusy,
    NodeDamaged,
    PathNotPermitted,
    PeerNotApproved,
    StoreUnavailable,
)
from fedlearn.runtime.names import job_path, offer_path, store_key, tag_of
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.peers import Verdict
from fedlearn.runtime.stores import DirectoryStore, MemoryStore
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
    no,
    pair,
    yes,
)

TO_HUB, TO_ENTERPRISE = job_path(JOB, "in", 1, "global"), job_path(JOB, "out", 1, "masked")


@pytest.mark.parametrize("count", [2, 20])
def test_a_round_trip_with_every_hub(tmp_path, count):
    world = World(tmp_path, DirectoryStore.create(tmp_path / "store"))
    with world.stack:
        enterprise = world.open_enterprise()
        hubs = [world.open_hub(hub_name(index)) for index in range(count)]
        befriend(enterprise, hubs)
        for hub in hubs:
            enterprise.send(hub.identity, TO_HUB, b"\xff\x00" * 200_000)
        for index, hub in enumerate(hubs):
            assert got(hub.receive()) == [(ENTERPRISE, TO_HUB, b"\xff\x00" * 200_000)]
            hub.send(ENTERPRISE, TO_ENTERPRISE, bytes([index]) * 40_000)
        answers = [(hub.identity, TO_ENTERPRISE, bytes([index]) * 40_000) for index, hub in enumerate(hubs)]
        assert got(enterprise.receive()) == answers
        assert got(enterprise.receive()) == []
        assert list(world.store.keys("mail/")) == []


def test_consent_decides_and_may_change_its_mind(tmp_path):
    world = World(tmp_path)
    with world.stack:
        enterprise, hub = world.open_enterprise(), world.open_hub()
        enterprise.request(HUB)
        assert hub.answer_requests(lambda _: Verdict.WAIT) == {ENTERPRISE: Verdict.WAIT}
        assert hub.answer_requests(no) == {ENTERPRISE: Verdict.REJECT}
        assert (hub.approved(), enterprise.refresh()) == ([], [])
        for node, peer, path in (
            (enterprise, HUB, offer_path("in", "plan")),
            (hub, ENTERPRISE, offer_path("out", "no")),
        ):
            with pytest.raises(PeerNotApproved):
                node.send(peer, path, b"x")
        assert hub.answer_requests(yes) == {ENTERPRISE: Verdict.APPROVE}
        assert (hub.approved(), enterprise.refresh()) == ([ENTERPRISE], [HUB])
        assert hub.answer_requests(no) == {}
        enterprise.send(HUB, offer_path("in", "plan"), b"plan")
        assert got(hub.receive()) == [(ENTERPRISE, offer_path("in", "plan"), b"plan")]


def test_a_refusal_outlasts_a_restart_and_approval_needs_no_store_after_one(tmp_path):
    store = FlakyStore()
    with pair(tmp_path, store) as (world, enterprise, hub):
        enterprise.request(HUB)  # once more: it stays a peer
        assert enterprise.approved() == [HUB]
        world.close()
        store.before = lambda call, key: True
        enterprise, hub = world.open_enterprise(), world.open_hub()
        assert (enterprise.approved(), hub.approved()) == ([HUB], [ENTERPRISE])
        with pytest.raises(StoreUnavailable):
            hub.revoke(ENTERPRISE)
        world.close()
        assert world.open_hub().approved() == []


def test_revoked_in_the_middle_of_a_job(tmp_path):
    with pair(tmp_path) as (world, enterprise, hub):
        for number in range(3):
            enterprise.send(HUB, job_path(JOB, "in", number, "global"), b"g")
        hub.send(ENTERPRISE, TO_ENTERPRISE, b"u")
        arriving = hub.receive()
        assert next(arriving).path == job_path(JOB, "in", 0, "global")
        hub.revoke(ENTERPRISE)
        assert list(arriving) == []
        assert mail(world.store, HUB) == mail(world.store, ENTERPRISE) == []
        with pytest.raises(PeerNotApproved):
            hub.send(ENTERPRISE, TO_ENTERPRISE, b"u")
        enterprise.send(HUB, TO_HUB, b"late")
        assert got(hub.receive()) == []
        # A new yes is a new start: what was sent meanwhile has no permission, what is sent now arrives.
        assert hub.answer_requests(yes) == {ENTERPRISE: Verdict.APPROVE}
        assert got(hub.receive()) == []
        hub.job_open(JOB, [ENTERPRISE])
        enterprise.send(HUB, TO_HUB, b"again")
        assert got(hub.receive()) == [(ENTERPRISE, TO_HUB, b"again")]


def test_a_job_ends_for_both_sides_and_takes_its_mail_with_it(tmp_path):
    with pair(tmp_path) as (world, enterprise, hub):
        enterprise.send(HUB, TO_HUB, b"g")
        enterprise.job_close(JOB)
        assert mail(world.store, HUB) == []
        with pytest.raises(PathNotPermitted):
            enterprise.send(HUB, TO_HUB, b"g")
        hub.send(ENTERPRISE, TO_ENTERPRISE, b"late")
        assert got(enterprise.receive()) == []
        assert mail(world.store, ENTERPRISE) == []


def _forge(world: World, victim: str, folder: str) -> None:
    """Somebody who reaches the store puts keys of his own in the place of the victim's."""
    role = HubNode if victim.startswith("hub") else EnterpriseNode
    other = ENTERPRISE if role is HubNode else HUB
    with role.opened(world.root / folder, victim, MemoryStore(), {}) as forger:
        document = forger._peers.keys.get_public_bundle()
    world.store.put(store_key("bundle", other, victim), json.dumps({"public_encryption_bundle": document}).encode())


def test_a_forged_bundle_is_not_used_and_does_not_stand_in_the_way(tmp_path, caplog):
    world = World(tmp_path)
    with world.stack:
        enterprise, hub = world.open_enterprise(), world.open_hub()
        enterprise.request(HUB)
        _forge(world, ENTERPRISE, "forger1")
        assert hub.answer_requests(yes) == {}
        assert "peer_not_pinned" in caplog.text
        enterprise.request(HUB)
        assert hub.answer_requests(yes) == {ENTERPRISE: Verdict.APPROVE}
        real = world.store.get(store_key("bundle", ENTERPRISE, HUB), 10**5)
        _forge(world, HUB, "forger2")
        assert enterprise.refresh() == []
        for nonsense in (b"", b"[]", b"\xff", b"x" * 10**5, b'{"public_encryption_bundle": 3}', b"[" * 10**4):
            world.store.put(store_key("bundle", ENTERPRISE, HUB), nonsense)
            assert enterprise.refresh() == []
        world.store.put(store_key("bundle", ENTERPRISE, HUB), real)
        assert enterprise.refresh() == [HUB]


def test_keys_that_the_ledger_no_longer_names_are_not_used(tmp_path):
    with pair(tmp_path) as (world, enterprise, hub):
        world.pins[HUB] = "00" * 32
        assert enterprise.refresh() == []
        with pytest.raises(PeerNotApproved):
            enterprise.send(HUB, TO_HUB, b"x")
        world.pins.pop(HUB)
        assert enterprise.refresh() == []
        world.pins[HUB] = hub.fingerprint
        assert enterprise.refresh() == [HUB]


def test_a_hub_that_lost_its_folder_goes_on_with_new_keys(tmp_path):
    with pair(tmp_path) as (world, enterprise, hub):
        hub.send(ENTERPRISE, TO_ENTERPRISE, b"one")
        old = dict(content(world.store))
        assert got(enterprise.receive()) == [(HUB, TO_ENTERPRISE, b"one")]
        world.close()
        (tmp_path / tag_of(HUB)).rename(tmp_path / "lost")
        hub, enterprise = world.open_hub(), world.open_enterprise()
        assert hub.answer_requests(yes) == {ENTERPRISE: Verdict.APPROVE}
        hub.job_open(JOB, [ENTERPRISE])
        assert enterprise.refresh() == [HUB]
        hub.send(ENTERPRISE, TO_ENTERPRISE, b"two")
        assert got(enterprise.receive()) == [(HUB, TO_ENTERPRISE, b"two")]
        for key in old:
            world.store.put(key, old[key]) if key.startswith(f"mail/{tag_of(ENTERPRISE)}/") else None
        assert got(enterprise.receive()) == []


def test_strangers_and_false_names_are_not_heard(tmp_path):
    world = World(tmp_path)
    with world.stack:
        enterprise, hub = world.open_enterprise(), world.open_hub()
        world.open_enterprise(STRANGER, pin=False).request(HUB)
        for name in ("somebody", "00e0", "00e0e0e0/1", "ABCDEFABCDEF"):
            world.store.put(f"request/{tag_of(HUB)}/{name}", b"1")
        assert hub.requests() == []
        with pytest.raises(IdentityInvalid):
            enterprise.request(STRANGER)


@pytest.mark.parametrize(
    "name", ["hub@home.net", "hub-12@hearth.invalid", ENTERPRISE, "../hub-00000001@hearth.invalid"]
)
def test_a_node_has_a_pseudonym_of_its_role(tmp_path, name):
    with pytest.raises(IdentityInvalid), HubNode.opened(tmp_path / "x", name, MemoryStore(), {}):
        pass
    assert not (tmp_path / "x").exists()


def test_one_process_at_a_time_and_the_next_one_goes_on(tmp_path):
    store = MemoryStore()
    with HubNode.opened(tmp_path / "x", HUB, store, {}) as first:
        fingerprint = first.fingerprint
        with pytest.raises(NodeBusy), HubNode.opened(tmp_path / "x", HUB, store, {}):
            pass
    with HubNode.opened(tmp_path / "x", HUB, store, {}) as second:
        assert second.fingerprint == fingerprint


@pytest.mark.parametrize("name", ["crypto_keys.json", "peers.json"])
def test_a_damaged_file_is_told_and_never_replaced(tmp_path, name):
    with HubNode.opened(tmp_path / "x", HUB, MemoryStore(), {}):
        pass
    path = tmp_path / "x" / "box" / HUB / "private" / name
    path.write_bytes(b'{"email": "')
    with pytest.raises(NodeDamaged), HubNode.opened(tmp_path / "x", HUB, MemoryStore(), {}):
        pass
    assert path.read_bytes() == b'{"email": "'


def test_everything_is_the_owners_alone(tmp_path):
    with pair(tmp_path) as (_, enterprise, hub):
        enterprise.send(HUB, TO_HUB, b"x")
        assert got(hub.receive())
        for folder in (tmp_path / tag_of(HUB), tmp_path / tag_of(ENTERPRISE)):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            secret = [path for path in folder.rglob("*") if path.is_file() and "private" in path.parts]
            assert {path.name for path in secret} >= {"crypto_keys.json", "peers.json"}
            assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_syft_is_loaded_only_with_a_node_and_says_nothing(tmp_path):
    code = """
import sys, pathlib
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.peers import Verdict
from fedlearn.runtime.stores import MemoryStore
assert not any(name.split(".")[0].startswith("syft") for name in sys.modules)
root, store, pins = pathlib.Path(sys.argv[1]), MemoryStore(), {}
e, h, g = "ent-00e0e0e0@hearth.invalid", "hub-00000001@hearth.invalid", "hub-00000002@hearth.invalid"
with EnterpriseNode.opened(root / "e", e, store, pins) as one, HubNode.opened(root / "h", h, store, pins) as two:
    with HubNode.opened(root / "g", g, store, pins) as three:
        pins.update({e: one.fingerprint, h: two.fingerprint, g: three.fingerprint})
        one.request(h); one.request(h); one.request(g)
        two.answer_requests(lambda _: Verdict.APPROVE); three.answer_requests(lambda _: Verdict.REJECT)
        one.refresh(); one.send(h, "offers/in/plan", b"x"); assert len(list(two.receive())) == 1
        two.revoke(e); one.refresh(); one.mocks()
assert any(name.split(".")[0] == "syft" for name in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
