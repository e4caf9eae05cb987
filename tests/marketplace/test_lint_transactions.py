"""The lint that makes every transaction name its database."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripts.lint_transactions import main, unnamed

WRONG = [
    "transaction.atomic()",
    "with transaction.atomic():\n    pass",
    "@transaction.atomic\ndef f(): ...",
    "with atomic():\n    pass",
    "transaction.on_commit(send)",
    "transaction.on_commit(send, robust=True)",
]
RIGHT = [
    'transaction.atomic(using="home")',
    "@transaction.atomic(using=HOME)\ndef f(): ...",
    "transaction.on_commit(send, using=alias)",
    "other.atomic()",
]


@pytest.mark.parametrize("code", WRONG)
def test_a_transaction_without_a_database_is_found(code: str):
    assert list(unnamed(ast.parse(code)))


@pytest.mark.parametrize("code", RIGHT)
def test_a_transaction_that_names_its_database_passes(code: str):
    assert not list(unnamed(ast.parse(code)))


def test_the_lint_fails_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.py").write_text("x = 1\ntransaction.atomic()\n")
    assert main([str(tmp_path)]) == 1
    assert "a.py:2:" in capsys.readouterr().out
