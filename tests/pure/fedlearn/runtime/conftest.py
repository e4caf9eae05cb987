"""These tests kill processes, not machines: waiting for the disk, which others share, would prove nothing."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _disk_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
