"""Fails if a transaction does not name its database: every ``atomic`` and ``on_commit`` must say ``using``.

There are five databases; a transaction that opens on the wrong one protects nothing and looks as if it did.

    python scripts/lint_transactions.py FOLDER...
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = {"atomic", "on_commit"}
MODULE = "transaction"


def unnamed(tree: ast.AST) -> Iterator[int]:
    """Line numbers of uses without ``using=``, as a call or as a bare decorator or context manager."""
    named: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_use(node.func):
            named.add(node.func)
            if not any(keyword.arg == "using" for keyword in node.keywords):
                yield node.lineno
    for node in ast.walk(tree):
        if _is_use(node) and node not in named:
            yield getattr(node, "lineno", 0)


def _is_use(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in NAMES and isinstance(node.value, ast.Name) and node.value.id == MODULE
    return isinstance(node, ast.Name) and node.id in NAMES


def main(folders: list[str]) -> int:
    found = [
        f"{file}:{line}: name the database: using=..."
        for folder in folders
        for file in sorted(Path(folder).rglob("*.py"))
        for line in sorted(unnamed(ast.parse(file.read_text(), str(file))))
    ]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
