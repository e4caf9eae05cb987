"""Where counters are kept: whole, durable, and the owner's alone."""

from __future__ import annotations

import os
import stat

import pytest

from fedlearn.runtime.errors import KeyInvalid
from fedlearn.runtime.files import write_aside
from fedlearn.runtime.state import FileState, MemoryState
from fedlearn.runtime.stores import DirectoryStore
from tests.pure.fedlearn.runtime.world import HUB


@pytest.fixture(params=["memory", "file"])
def state(request, tmp_path):
    return MemoryState() if request.param == "memory" else FileState(tmp_path / "state")


def test_what_was_saved_is_loaded_and_replaced(state):
    assert state.load(HUB) is None and state.names() == []
    state.save(HUB, b"one")
    state.save("floors", b"two")
    state.save(HUB, b"three")
    assert (state.load(HUB), state.load("floors"), state.names()) == (b"three", b"two", ["floors", HUB])


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".new-x"])
def test_a_name_is_no_path(state, name):
    with pytest.raises(KeyInvalid):
        state.save(name, b"x")
    with pytest.raises(KeyInvalid):
        state.load(name)


def test_files_are_the_owners_alone(tmp_path):
    FileState(tmp_path / "state").save(HUB, b"one")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / HUB).stat().st_mode) == 0o600


def test_file_and_folder_are_on_the_disk_before_the_write_is_over(tmp_path, monkeypatch):
    synced = []

    def note(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced.append((stat.S_ISDIR(status.st_mode), status.st_size if stat.S_ISREG(status.st_mode) else 0))

    store = DirectoryStore.create(tmp_path / "store")
    store.put("mail/a/1", b"x")
    monkeypatch.setattr(os, "fsync", note)
    write_aside(tmp_path / "file", b"x" * 77)
    assert synced == [(False, 77), (True, 0)]
    synced.clear()
    store.put("mail/a/2", b"x" * 78)
    assert synced == [(False, 78), (True, 0)]
