"""A hub's training table as a Syft dataset, and what an enterprise sees of it.

The mock is a desensitised sample that an approved enterprise may have; the private part lies under ``private/`` of the
hub's datasite, where Syft's permission names the owner only and no path of a message can lead. A mock travels as one
message, so that an enterprise has all of one version or all of the other.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from numpy.typing import NDArray

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Name, Record
from fedlearn.runtime.arrays import array_of
from fedlearn.runtime.errors import DatasetNameInvalid, DatasetUnknown, MockFileRefused, MockMalformed
from fedlearn.runtime.files import private_folder, sync_directory, write_aside
from fedlearn.runtime.names import DATASETS, identity_check
from fedlearn.runtime.permissions import Permissions

MAX_FILES: Final = 16
MAX_MOCK: Final = 4 * 1024 * 1024
METADATA: Final = "dataset.yaml"
MOCK: Final = "mock"
ARRIVING: Final = "arriving"
_PROTOCOL: Final = "1"
_NAME = re.compile(r"(?!v[0-9]+$)[a-z0-9][a-z0-9_-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,59}\.(npy|csv)")
_MOCK_PATH = re.compile(rf"{DATASETS}/([a-z0-9_-]+)/{MOCK}")


class MockFile(Record):
    """A file of a mock."""

    name: Name
    data: bytes


class MockBundle(Record):
    """A mock on its way: Syft's ``dataset.yaml`` and the files."""

    metadata: Annotated[bytes, msgspec.Meta(max_length=64 * 1024)]
    files: Annotated[tuple[MockFile, ...], msgspec.Meta(max_length=MAX_FILES)]


@dataclass(frozen=True)
class Mock:
    """A mock that an enterprise holds: whose it is, what it is, its files."""

    owner: str
    name: str
    summary: str
    tags: tuple[str, ...]
    files: tuple[str, ...]


class Datasets:
    """The datasets in one node's box: its own, and other nodes' mocks."""

    def __init__(self, box: Path, identity: str, permissions: Permissions) -> None:
        from fedlearn.runtime import syftlib

        self._box, self._identity, self._permissions = box, identity, permissions
        self._manager: Any = syftlib.SyftDatasetManager(box, identity)

    # A hub's side.

    def create(self, name: str, *, mock: Path, private: Path, summary: str = "", tags: Iterable[str] = ()) -> None:
        """Make a dataset, or replace the one of this name. Nobody may have its mock until ``share``.

        Args:
            mock: a folder of ``.npy`` and ``.csv`` files, desensitised; at most 16 files and 4 MiB.
            private: a file or folder; Syft keeps a copy of it under ``private/``, which is made mode 0600 here.

        Raises:
            DatasetNameInvalid, MockFileRefused: nothing was changed.
        """
        _name_check(name)
        files_of(mock)
        self.remove(name)
        self._manager.create(
            name=name,
            mock_path=mock,
            private_path=private,
            summary=summary,
            tags=list(tags),
            protocol_versions=[_PROTOCOL],
        )
        private_folder(self._private(name))
        for path in self._private(name).rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)

    def share(self, name: str, peers: Iterable[str]) -> None:
        """Let exactly these peers have the mock. Raises ``DatasetUnknown``."""
        self._require(name)
        self._permissions.grant(f"{DATASETS}/{name}", "read", peers)

    def remove(self, name: str) -> None:
        """Remove a dataset, or what a killed process left of one; the mocks that were sent stay where they are."""
        _name_check(name)
        self._permissions.remove(f"{DATASETS}/{name}")
        shutil.rmtree(self._private(name), ignore_errors=True)

    def names(self) -> list[str]:
        """The node's own datasets, sorted."""
        return sorted(dataset.name for dataset in self._manager.get_all(datasite=self._identity))

    def mock_message(self, name: str) -> tuple[str, bytes]:
        """Path and data of the message that carries the mock. Raises ``DatasetUnknown`` and ``MockFileRefused``."""
        folder = self._require(name)
        files = files_of(folder, among=(METADATA, "syft.pub.yaml"))
        bundle = MockBundle((folder / METADATA).read_bytes(), tuple(MockFile(p.name, p.read_bytes()) for p in files))
        return f"{DATASETS}/{name}/{MOCK}", encode(bundle)

    # An enterprise's side.

    def mock_take(self, owner: str, path: str, data: bytes) -> None:
        """Keep a mock that arrived, in place of an earlier one. Raises ``MockMalformed``."""
        found = _MOCK_PATH.fullmatch(path)
        if found is None or not _NAME.fullmatch(found[1]):
            raise MockMalformed
        bundle = _bundle_of(data)
        folder = self._box / owner / DATASETS / found[1]
        aside = self._box / ARRIVING  # outside of what Syft takes for somebody's datasets
        shutil.rmtree(aside, ignore_errors=True)
        private_folder(aside)
        write_aside(aside / METADATA, bundle.metadata)
        for file in bundle.files:
            write_aside(aside / file.name, file.data)
        private_folder(folder.parent)
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
        sync_directory(folder.parent)

    def mocks(self, owner: str | None = None) -> list[Mock]:
        """The mocks of other nodes, or of one, that are here; those with a description that Syft can't read are not."""
        found = []
        for dataset in self._manager.get_all(datasite=owner):
            # Syft's own list of the files comes from the sender and may lead out of the box; the folder's is used.
            folder = self._box / dataset.owner / DATASETS / dataset.name
            if dataset.owner == self._identity or not folder.is_dir():
                continue
            files = sorted(path.name for path in folder.iterdir() if _FILE.fullmatch(path.name))
            found.append(
                Mock(dataset.owner, dataset.name, dataset.summary or "", tuple(dataset.tags), tuple(files)),
            )
        return sorted(found, key=lambda mock: (mock.owner, mock.name))

    def mock_arrays(self, owner: str, name: str) -> dict[str, NDArray[Any]]:
        """A mock's arrays by file name (see ``arrays.array_of``). Raises ``DatasetUnknown``, ``MockFileRefused``."""
        identity_check(owner)
        for mock in self.mocks(owner):
            if mock.name == name:
                folder = self._box / owner / DATASETS / name
                return {file: array_of(file, (folder / file).read_bytes()) for file in mock.files}
        raise DatasetUnknown

    def mocks_forget(self, owner: str) -> None:
        """Remove the mocks of a node that is no peer any more."""
        shutil.rmtree(self._box / owner, ignore_errors=True)

    def _require(self, name: str) -> Path:
        folder = self._box / self._identity / DATASETS / _name_check(name)
        if not (folder / METADATA).is_file():
            raise DatasetUnknown
        return folder

    def _private(self, name: str) -> Path:
        return self._box / self._identity / DATASETS.replace("public", "private", 1) / name


def files_of(folder: Path, *, among: tuple[str, ...] = ()) -> list[Path]:
    """The files of a mock, sorted, leaving out those ``among`` which they lie.

    Raises ``MockFileRefused`` unless they are at most 16 plain ``.npy`` and ``.csv`` files of numbers, 4 MiB in all.
    """
    paths = sorted(path for path in folder.iterdir() if path.name not in among)
    if not 1 <= len(paths) <= MAX_FILES or not all(_FILE.fullmatch(path.name) and path.is_file() for path in paths):
        raise MockFileRefused
    if sum(path.stat().st_size for path in paths) > MAX_MOCK:
        raise MockFileRefused(f"A mock holds at most {MAX_MOCK} bytes")
    for path in paths:
        array_of(path.name, path.read_bytes())
    return paths


def _bundle_of(data: bytes) -> MockBundle:
    try:
        bundle = decode(MockBundle, data)
    except Malformed as fault:
        raise MockMalformed from fault
    names = [file.name for file in bundle.files]
    if len(set(names)) != len(names) or not all(_FILE.fullmatch(name) for name in names):
        raise MockMalformed
    if len(data) > MAX_MOCK + 64 * 1024:
        raise MockMalformed
    return bundle


def _name_check(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise DatasetNameInvalid
    return name
