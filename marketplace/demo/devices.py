"""From a cast to processes: the files that devices replay, and what the agents' host is told."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marketplace.demo.cast import DevicePlan, HomePlan

TIME_COLUMN = "t_ms"


def devices_url(url: str, home_id: str) -> str:
    """Where the devices of a home connect, on the deployment at ``url``."""
    return f"ws://{urlsplit(url).netloc}/ws/v1/home/{home_id}/devices"


def replaying(home: HomePlan, folder: Path, *, url: str, code: str) -> list[dict[str, Any]]:
    """The agents of a home whose devices replay their rows; ``url`` is the home's, ``code`` lets them in."""
    return [
        {
            "name": f"{home.key}-{device.key}",
            "url": url,
            "state_dir": str(folder / home.key / device.key),
            "device_class": device.device_class,
            "area": device.area,
            "failure_domain": f"simulated:{home.key}-{device.key}",
            # A silent voter among the first two would keep everybody else out, so it waits in the inbox till last.
            "code": "" if device.mute else code,
            "model": device.model,
            "quantities": list(device.quantities),
            "source": {
                "kind": "replay",
                "path": str(rows_write(device, folder / f"{home.key}-{device.key}.csv")),
                "columns": {name: name for name in device.quantities},
                "time_column": TIME_COLUMN,
            },
            "faults": _agent_faults(device),
        }
        for device in home.devices
    ]


def rows_write(device: DevicePlan, file: Path) -> Path:
    """Write what a device measured as CSV, a row for each moment in the order in which the device sends them."""
    names = list(device.quantities)
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([TIME_COLUMN, *names])
        for batch in device.batches:
            moments: dict[int, dict[str, str]] = {}
            for name in names:
                for t_ms, value in batch.get(name, []):
                    moments.setdefault(t_ms, {})[name] = value
            for t_ms in sorted(moments):
                writer.writerow([t_ms, *(moments[t_ms].get(name, "") for name in names)])
    return file


def _agent_faults(device: DevicePlan) -> list[dict[str, Any]]:
    """The faults that the agent itself commits; those of values are in the rows."""
    found: list[dict[str, Any]] = []
    for fault in device.faults:
        if fault.kind == "resend":
            begin = device.batches[fault.first - 1][fault.quantity][0][0]
            found.append({"kind": "resend", "quantity": fault.quantity, "verbatim": True, "from_ms": begin})
        if fault.kind == "silent":
            found.append({"kind": "silent", "votes": True, "readings": True})
    return found
