"""Whole journeys on real processes. One worker runs them all, one after another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.progress import Progress

from marketplace.demo.real_data import HOMES_FILE, ROOM_FILE
from marketplace.demo.stage import Stage
from marketplace.supervisor import BASE_DIR

# A machine that runs other tests beside these is slow: what would be a missed deadline here is none in life.
PATIENT = {"HEARTH_T1_MS": "20000", "HEARTH_T1_DELIVER_MS": "20000", "HEARTH_T2_MS": "20000"}
TIMEOUT_S = 600


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requires_real_data: skipped where the folder HEARTH_DATA is missing")
    config.addinivalue_line("markers", "stack: runs a whole deployment")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        if item.get_closest_marker("stack"):
            item.add_marker(pytest.mark.xdist_group("flows"))
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("requires_real_data") and not _has_data():
            item.add_marker(pytest.mark.skip(reason=f"requires_real_data: no data in {data_folder()}"))


def data_folder() -> Path:
    return Path(os.environ.get("HEARTH_DATA", BASE_DIR.parent / "shared" / "data")).resolve()


def _has_data() -> bool:
    return all((data_folder() / name).is_file() for name in (HOMES_FILE, ROOM_FILE))


@pytest.fixture
def data() -> Path:
    return data_folder()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A deployment in a folder of its own; its files stay until the test's folder goes."""
    with Stage(PATIENT, folder=tmp_path) as made:
        made.keep = True
        yield made


@pytest.fixture
def progress() -> Progress:
    """Bars that nobody sees."""
    return Progress(disable=True)


@pytest.fixture
def unblocked(django_db_blocker: object) -> Iterator[None]:
    """Replaying ledgers opens the stage's own SQLite files, and none of the test databases."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
