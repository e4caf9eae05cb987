"""The stores keep their promises; the folder also under several processes, kills and a missing disk."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest

from fedlearn.runtime.errors import StoreUnavailable
from fedlearn.runtime.stores import DirectoryStore, MemoryStore
from fedlearn.runtime.stores.directory import ASIDE
from tests.pure.fedlearn.runtime.store_contract import StoreContract
from tests.pure.fedlearn.runtime.world import FlakyStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return MemoryStore()


class TestDirectoryStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return DirectoryStore.create(tmp_path / "store")


class TestFlakyStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return FlakyStore()


def test_a_folder_that_is_not_there_is_no_empty_store(tmp_path):
    store = DirectoryStore.create(tmp_path / "store")
    store.put("mail/a/1", b"one")
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "store").mkdir()  # what is left of a disk that is not mounted
    for call in (
        lambda: store.get("mail/a/1", 10),
        lambda: store.keys("mail/"),
        lambda: store.put("mail/a/2", b"two"),
        lambda: store.delete("mail/a/1"),
        lambda: DirectoryStore(tmp_path / "store"),
    ):
        with pytest.raises(StoreUnavailable):
            call()
    assert list((tmp_path / "store").iterdir()) == []


def test_what_the_file_system_refuses_is_told_and_not_taken_for_nothing(tmp_path, monkeypatch):
    store = DirectoryStore.create(tmp_path / "store")
    store.put("mail/a/1", b"one")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StoreUnavailable):
        store.keys("mail/")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StoreUnavailable):
        store.get("mail/a/1", 10)


def _write_until_killed(root: Path, ready) -> None:
    store = DirectoryStore(root)

    def die(*_: object) -> None:
        ready.set()
        signal.pause()

    os.fsync = die  # type: ignore[assignment]
    store.put("mail/a/2", b"second")


def test_a_killed_writer_leaves_the_old_object_and_its_leavings_are_swept(tmp_path):
    store = DirectoryStore.create(tmp_path / "store")
    store.put("mail/a/2", b"first")
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    writer = fork.Process(target=_write_until_killed, args=(tmp_path / "store", ready))
    writer.start()
    assert ready.wait(10)
    DirectoryStore(tmp_path / "store")
    assert len(list((tmp_path / "store" / ASIDE).iterdir())) == 1  # the writer lives: nothing is swept
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert store.get("mail/a/2", 10) == b"first"
    assert store.keys("mail/") == ["mail/a/2"]
    DirectoryStore(tmp_path / "store")
    assert list((tmp_path / "store" / ASIDE).iterdir()) == []


def test_a_store_is_whole_after_its_folder_was_copied(tmp_path):
    DirectoryStore.create(tmp_path / "store").put("mail/a/1", b"one")
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    assert DirectoryStore(tmp_path / "copy").get("mail/a/1", 10) == b"one"
