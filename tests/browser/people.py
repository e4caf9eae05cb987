"""What people do in the browser that more than one test needs, and the device agents that they own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from marketplace.supervisor import PYTHON, Stack

PASSWORD = "brass-kettle-92"
PASSPHRASE = "copper lantern at noon"
OPERATOR = ("operator@hearth.example", "hearth-demo-2026")  # as ``manage.py demo --bare`` makes it
SOON_MS = 90_000  # for what several processes and the devices do in turn


def watch(where: BrowserContext | Page) -> list[str]:
    """Everything that a page complains of from now on: faults of scripts, the content policy, failed loads.

    That a page itself is a refusal (404) is no complaint; tests look at what it says.
    """
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        itself = message.page is not None and message.page.url == url and "Failed to load" in message.text
        if (message.type == "error" and not itself) or "Content Security Policy" in message.text:
            complaints.append(f"{message.text} ({url})")

    if isinstance(where, Page):
        where.on("pageerror", lambda error: complaints.append(str(error)))
    else:
        where.on("weberror", lambda error: complaints.append(str(error.error)))
    where.on("console", hear)
    return complaints


def sign_up(page: Page, kind: str, email: str) -> None:
    """From the front page to the first page of the new account; ``kind`` is homes or enterprises."""
    page.goto("/")
    page.get_by_role("link", name=f"For {kind}").first.click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("navigation", name="Main menu")).to_be_attached()


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator("form[action$='/logout/'] button")).to_be_attached()


def agents_start(stack: Stack, folder: Path, url: str, *devices: dict[str, Any]) -> None:
    """Start device agents, each in a process of its own; ``url`` is the home's, as its page shows it."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = [
        {
            "url": url,
            "state_dir": str(folder / str(device["name"])),
            "failure_domain": f"simulated:{device['name']}",
            **device,
        }
        for device in devices
    ]
    spec = folder / "devices.json"
    spec.write_text(json.dumps({"devices": whole}))
    stack.spawn("devices", [PYTHON, "-m", "households.agent", "host", str(spec)])


def sensor(name: str, code: str = "", *, seed: int = 1) -> dict[str, Any]:
    """A climate sensor in the hall that measures and sends without pause."""
    return {
        "name": name,
        "device_class": "climate",
        "area": "hall",
        "code": code,
        "model": "climate-1",
        "source": {"kind": "simulated", "seed": seed, "shared_seed": 7, "day_ms": 60_000},
        "interval_ms": 250,
        "upload_ms": 500,
    }
