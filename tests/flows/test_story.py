"""The story as anybody runs it: a command, a table, a last line of JSON, an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from marketplace.demo.outcome import broken
from marketplace.demo.simulated import simulated_cast
from marketplace.demo.stage import Stage
from marketplace.demo.story import Story
from marketplace.supervisor import BASE_DIR

KEYS = {
    "homes", "devices", "readings_in", "readings_rejected", "devices_quarantined", "lots_anchored", "labels",
    "orders_settled", "orders_refunded", "credits_minted", "credits_total", "paid_to_micro_wallets", "rows_decrypted",
    "ledgers", "seconds",
}  # fmt: skip
DAYS, LOTS = 3, 6


@pytest.mark.stack
def test_simulated_homes_sell_what_their_devices_agreed_on_and_are_paid(
    stage: Stage, progress: Progress, unblocked: None
):
    outcome = Story(stage, simulated_cast(homes=2, days=DAYS), progress, lots=LOTS).play()
    assert broken(outcome) == []
    assert outcome.settled == LOTS + 1
    assert outcome.refunded == 1
    assert {entry.reason for entry in outcome.series if entry.rejected} == {"copied_readings"}
    assert outcome.refused["segment_replayed"] > 0


@pytest.mark.stack
@pytest.mark.requires_real_data
def test_the_command_plays_ten_real_homes_and_the_real_room(data: Path):
    done = subprocess.run(
        [sys.executable, "manage.py", "story", "--data", str(data), "--json"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said.keys() >= KEYS
    assert said["homes"] == 11
    assert said["devices"] >= 50
    assert said["readings_rejected"].keys() >= {
        "copied_readings", "drifts_from_the_median", "off_the_median", "segment_replayed",
    }  # fmt: skip
    assert said["devices_quarantined"] == 1
    assert said["labels"] == {"bft-verified": said["lots_anchored"]}
    assert said["credits_total"] == said["credits_minted"]
    assert len(said["ledgers"]) == 13
    assert all(ledger["verified"] for ledger in said["ledgers"])


def test_a_folder_without_the_files_is_refused_before_anything_starts(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "manage.py", "story", "--data", str(tmp_path)],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "homes_energy.csv" in done.stderr
