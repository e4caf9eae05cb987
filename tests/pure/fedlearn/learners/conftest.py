"""Tests on real data are skipped, with the reason, where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedlearn.learners.table import Table
from tests.pure.fedlearn.learners import world


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requires_real_data: skipped where the folder HEARTH_DATA is missing")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    found = all((world.data_folder() / name).is_file() for name in (world.HOMES_FILE, world.ROOM_FILE))
    for item in items:
        if not found and here in item.path.parents and item.get_closest_marker("requires_real_data"):
            item.add_marker(pytest.mark.skip(reason=f"requires_real_data: no data in {world.data_folder()}"))


@pytest.fixture(scope="session")
def homes() -> dict[int, Table]:
    return world.load_homes()


@pytest.fixture(scope="session")
def blocks() -> list[Table]:
    return world.room_blocks()
