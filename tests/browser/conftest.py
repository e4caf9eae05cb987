"""Browser tests: Debian's Chromium against a real stack of processes in a folder of its own.

Without Chromium they are skipped on a developer's machine and fail in CI, where a skipped journey would go unnoticed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from marketplace import assets
from marketplace.supervisor import BASE_DIR, Stack
from tests.browser.people import watch
from tests.browser.selling import Selling, selling_home

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The path of the browser, or an empty string."""
    return os.environ.get("CHROMIUM", "") or next(filter(None, map(shutil.which, NAMES)), "")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all of these, so that there is one stack."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = chromium()
    if not path and os.environ.get("CI"):
        pytest.fail("Chromium is missing; .ci/run installs it.")
    if not path:
        pytest.skip("Chromium is not installed (apt install chromium).")
    return {**browser_type_launch_args, "executable_path": path, "args": ARGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every process of Hearth, with the demo's deadlines and empty databases; ``stack.url`` is where it listens."""
    assets.ensure(BASE_DIR, BASE_DIR / "var" / "vendor")
    with Stack(var=tmp_path_factory.mktemp("hearth"), scratch=True) as running:
        running.manage("demo", "--bare")  # migrates, and makes the operator's account
        running.start()
        yield running


@pytest.fixture(scope="session")
def base_url(stack: Stack) -> str:
    """Relative addresses in ``page.goto`` lead to the stack."""
    return stack.url


@pytest.fixture(scope="session")
def selling(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Selling:
    """A home with a lot for sale."""
    return selling_home(stack, tmp_path_factory.mktemp("selling"))


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose scripts, content policy and loads must not complain."""
    complaints = watch(page)
    yield page
    assert complaints == []
