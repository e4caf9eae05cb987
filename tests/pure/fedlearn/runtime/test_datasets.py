"""A hub's training table as a Syft dataset: the mock goes to approved enterprises, the private part to nobody."""

from __future__ import annotations

import stat

import numpy as np
import pytest
import yaml

from chain.core.codec import encode
from fedlearn.runtime.arrays import array_of
from fedlearn.runtime.datasets import MockBundle, MockFile
from fedlearn.runtime.errors import (
    DatasetNameInvalid,
    DatasetUnknown,
    MockFileRefused,
    PathInvalid,
    PathNotPermitted,
    PeerNotApproved,
)
from fedlearn.runtime.names import DATASETS, offer_path, tag_of
from fedlearn.runtime.stores import DirectoryStore
from tests.pure.fedlearn.runtime.world import ENTERPRISE, HUB, STRANGER, got, pair

SECRET = b"RAW-21.375"
FEATURES = np.arange(12, dtype=np.float64).reshape(4, 3)


def npy(path, array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array, allow_pickle=array.dtype == object)


def make(hub, root, scale: float = 1.0) -> None:
    npy(root / "mock" / "features.npy", FEATURES * scale)
    (root / "mock" / "label.csv").write_text("power,gas\n1.5,2\n3,4\n")
    (root / "table.bin").write_bytes(SECRET)
    hub.dataset_create("meter", mock=root / "mock", private=root / "table.bin", summary="Hourly", tags=["energy"])


@pytest.fixture
def sides(tmp_path):
    with pair(tmp_path / "world", DirectoryStore.create(tmp_path / "store")) as found:
        yield found


def test_an_enterprise_gets_the_mock_and_reads_it_as_arrays(sides, tmp_path):
    world, enterprise, hub = sides
    make(hub, tmp_path)
    hub.dataset_share("meter", [ENTERPRISE])
    hub.dataset_send("meter", ENTERPRISE)
    hub.send(ENTERPRISE, offer_path("out", "yes"), b"yes")
    assert got(enterprise.receive()) == [(HUB, offer_path("out", "yes"), b"yes")]
    (mock,) = enterprise.mocks()
    assert (mock.owner, mock.name, mock.summary, mock.tags) == (HUB, "meter", "Hourly", ("energy",))
    assert mock.files == ("features.npy", "label.csv")
    arrays = enterprise.mock_arrays(HUB, "meter")
    np.testing.assert_array_equal(arrays["features.npy"], FEATURES)
    np.testing.assert_array_equal(arrays["label.csv"], [[1.5, 2.0], [3.0, 4.0]])
    world.close()
    assert len(world.open_enterprise().mocks()) == 1


def test_a_new_version_replaces_the_old_one_whole(sides, tmp_path):
    _, enterprise, hub = sides
    make(hub, tmp_path)
    hub.dataset_share("meter", [ENTERPRISE])
    hub.dataset_send("meter", ENTERPRISE)
    (tmp_path / "mock" / "label.csv").unlink()
    npy(tmp_path / "mock" / "features.npy", FEATURES * 2)
    hub.dataset_create("meter", mock=tmp_path / "mock", private=tmp_path / "table.bin")
    with pytest.raises(PathNotPermitted):
        hub.dataset_send("meter", ENTERPRISE)  # a new dataset is nobody's until it is shared
    hub.dataset_share("meter", [ENTERPRISE])
    hub.dataset_send("meter", ENTERPRISE)
    assert got(enterprise.receive()) == []
    arrays = enterprise.mock_arrays(HUB, "meter")
    assert list(arrays) == ["features.npy"]
    np.testing.assert_array_equal(arrays["features.npy"], FEATURES * 2)
    assert hub.datasets() == ["meter"]


def test_the_private_part_stays_and_no_path_leads_to_it(sides, tmp_path):
    world, enterprise, hub = sides
    make(hub, tmp_path)
    hub.dataset_share("meter", [ENTERPRISE])
    hub.dataset_send("meter", ENTERPRISE)
    assert got(enterprise.receive()) == []
    from fedlearn.runtime import syftlib

    datasite = world.root / tag_of(HUB) / "box" / HUB
    kept = datasite / "private" / "syft_datasets" / "v1" / "meter" / "table.bin"
    assert kept.read_bytes() == SECRET and stat.S_IMODE(kept.stat().st_mode) == 0o600
    for path in (
        "private/syft_datasets/v1/meter/table.bin",
        f"{DATASETS}/meter/../../../../private/syft_datasets/v1/meter/table.bin",
        f"/{kept}",
    ):
        with pytest.raises(PathInvalid):
            hub.send(ENTERPRISE, path, SECRET)
    acl = syftlib.SyftPermContext(datasite)
    for peer in (ENTERPRISE, STRANGER, "*"):  # Syft's own files say the same
        judged = acl.open("private/syft_datasets/v1/meter/table.bin")
        assert not judged.has_read_access(peer) and not judged.has_write_access(peer)
    for folder in (tmp_path / "store", world.root / tag_of(ENTERPRISE)):
        found = [path for path in folder.rglob("*") if path.is_file()]
        assert found and all(SECRET not in path.read_bytes() for path in found)


def test_only_who_may_have_the_mock_gets_it(sides, tmp_path):
    _, enterprise, hub = sides
    make(hub, tmp_path)
    with pytest.raises(PathNotPermitted):
        hub.dataset_send("meter", ENTERPRISE)
    with pytest.raises(PeerNotApproved):
        hub.dataset_share("meter", [STRANGER])
    hub.dataset_share("meter", [ENTERPRISE])
    hub.dataset_share("meter", [])
    with pytest.raises(PathNotPermitted):
        hub.dataset_send("meter", ENTERPRISE)
    hub.dataset_share("meter", [ENTERPRISE])
    hub.revoke(ENTERPRISE)
    with pytest.raises(PeerNotApproved):
        hub.dataset_send("meter", ENTERPRISE)
    assert enterprise.mocks() == []


def test_the_mocks_of_a_peer_go_with_it(sides, tmp_path):
    _, enterprise, hub = sides
    make(hub, tmp_path)
    hub.dataset_share("meter", [ENTERPRISE])
    hub.dataset_send("meter", ENTERPRISE)
    assert got(enterprise.receive()) == [] and len(enterprise.mocks()) == 1
    enterprise.revoke(HUB)
    assert enterprise.mocks() == []
    with pytest.raises(DatasetUnknown):
        enterprise.mock_arrays(HUB, "meter")


def test_what_a_killed_process_left_of_a_dataset_is_replaced(sides, tmp_path):
    world, _, hub = sides
    left = world.root / tag_of(HUB) / "box" / HUB / DATASETS / "meter"
    left.mkdir(parents=True)
    (left / "half.npy").write_bytes(b"x")
    (left / "syft.pub.yaml").write_text("rules: [{pat")
    assert hub.datasets() == []
    world.close()
    hub = world.open_hub()
    make(hub, tmp_path)
    assert hub.datasets() == ["meter"]
    hub.dataset_remove("meter")
    assert hub.datasets() == []
    with pytest.raises(DatasetUnknown):
        hub.dataset_share("meter", [ENTERPRISE])


@pytest.mark.parametrize("name", ["", "v1", "../x", "a/b", "Meter", "x" * 65])
def test_a_dataset_has_a_plain_name(sides, tmp_path, name):
    with pytest.raises(DatasetNameInvalid):
        sides[2].dataset_create(name, mock=tmp_path, private=tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "dataset.yaml", "x.pkl", ".hidden.npy", "pickled.npy", "folder.npy"])
def test_a_mock_holds_numbers_and_nothing_else(sides, tmp_path, name):
    hub = sides[2]
    make(hub, tmp_path)
    if name == "folder.npy":
        (tmp_path / "mock" / name).mkdir()
    elif name == "pickled.npy":
        npy(tmp_path / "mock" / name, np.array([{"a": 1}], dtype=object))
    else:
        (tmp_path / "mock" / name).write_text("x")
    with pytest.raises(MockFileRefused):
        hub.dataset_create("meter", mock=tmp_path / "mock", private=tmp_path / "table.bin")
    assert hub.datasets() == ["meter"]  # the one that was there


def _malicious(files, metadata=b"name: meter\n") -> bytes:
    return encode(MockBundle(metadata, tuple(MockFile(name, data) for name, data in files)))


@pytest.mark.parametrize(
    "data",
    [
        b"garbage",
        _malicious([("../../evil.npy", b"x")]),
        _malicious([("syft.pub.yaml", b"x")]),
        _malicious([("dataset.yaml", b"x")]),
        _malicious([("a.npy", b"x"), ("a.npy", b"y")]),
        _malicious([("a.npy", b"x")], metadata=b"[" * 60_000),
        _malicious([("a.npy", b"x")], metadata=b"!!python/object/apply:os.system ['true']"),
    ],
)
def test_a_mock_of_a_hub_that_lies_is_no_mock_and_does_no_harm(sides, tmp_path, data):
    world, enterprise, hub = sides
    make(hub, tmp_path)
    hub.dataset_share("meter", [ENTERPRISE])
    before = {path for path in world.root.rglob("*") if "state" not in path.parts}
    hub.send(ENTERPRISE, f"{DATASETS}/meter/mock", data)
    hub.send(ENTERPRISE, offer_path("out", "yes"), b"yes")
    assert got(enterprise.receive()) == [(HUB, offer_path("out", "yes"), b"yes")]
    assert enterprise.mocks() == []
    box = world.root / tag_of(ENTERPRISE) / "box"
    after = {path for path in world.root.rglob("*") if "state" not in path.parts}
    assert all(path.is_relative_to(box / HUB) for path in after - before)


def test_a_description_that_leads_out_of_the_box_is_not_followed(sides, tmp_path):
    world, enterprise, hub = sides
    make(hub, tmp_path)
    hub.dataset_share("meter", [ENTERPRISE])
    (tmp_path / "world" / "outside.npy").write_bytes(b"outside")
    path = world.root / tag_of(HUB) / "box" / HUB / DATASETS / "meter" / "dataset.yaml"
    description = yaml.safe_load(path.read_text())
    description["mock_files_urls"] = [f"syft://{HUB}/../../../outside.npy"]
    description["mock_url"] = f"syft://{HUB}/../../.."
    path.write_text(yaml.safe_dump(description))
    hub.dataset_send("meter", ENTERPRISE)
    assert got(enterprise.receive()) == []
    assert [mock.files for mock in enterprise.mocks()] == [("features.npy", "label.csv")]
    assert set(enterprise.mock_arrays(HUB, "meter")) == {"features.npy", "label.csv"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.npy", b""),
        ("a.npy", b"\x93NUMPY\x01\x00"),
        ("a.csv", b"a,b\n1\n"),
        ("a.csv", b"a\nx\n"),
        ("a.csv", b"\xff\xfe"),
        ("a.csv", b""),
        ("a.txt", b"1"),
    ],
)
def test_what_is_no_array_is_refused(name, data):
    with pytest.raises(MockFileRefused):
        array_of(name, data)


def test_an_array_that_claims_more_than_it_holds_is_refused(tmp_path):
    npy(tmp_path / "a.npy", FEATURES)
    data = (tmp_path / "a.npy").read_bytes()
    with pytest.raises(MockFileRefused):
        array_of("a.npy", data.replace(b"(4, 3)", b"(9**9,)"))
    with pytest.raises(MockFileRefused):
        array_of("a.npy", data.replace(b"(4, 3), ", b"(4000000, 3000000), "))
    with pytest.raises(MockFileRefused):
        array_of("a.npy", data[:-1])
    np.testing.assert_array_equal(array_of("a.npy", data), FEATURES)
