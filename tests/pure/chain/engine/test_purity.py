"""The engine's rooms stay pure: no framework, clock, randomness or network comes in with them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PURE = [path for room in ("core", "engine", "consensus", "contracts") for path in (ROOT / "chain" / room).rglob("*.py")]
FORBIDDEN = {
    *("django", "celery", "channels", "rest_framework", "requests", "httpx", "socket", "asyncio"),
    *("time", "datetime", "random", "secrets", "os", "uuid", "threading", "cryptography", "Crypto", "coincurve"),
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_modules_import_nothing_impure(path: Path) -> None:
    for name in imported(path):
        assert name.split(".")[0] not in FORBIDDEN, f"{path} imports {name}"
        assert not name.startswith("marketplace") or name == "marketplace.common.errors"


def test_the_check_finds_files_at_all() -> None:
    assert len(PURE) > 15
