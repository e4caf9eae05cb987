"""The description of the REST API."""

from __future__ import annotations

import os

import pytest
from django.core.management import call_command


def test_the_schema_of_the_whole_api_is_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", os.devnull)
    assert "Warning" not in capsys.readouterr().err
