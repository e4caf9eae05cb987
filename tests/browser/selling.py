"""A home that has data for sale, made over the REST API, and a neighbour so that its cell may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx

from chain.crypto.hashing import tagged
from chain.wallets.signer import Signer
from marketplace.demo.client import Api, wait_until
from marketplace.demo.devices import devices_url
from marketplace.supervisor import Stack
from tests.browser.people import PASSPHRASE, PASSWORD, agents_start

HOME = "/api/v1/home/"
CELL = "g50:103:-1"
PRICE = 40
ROWS = 300
EMAIL = "selling-owner@example.org"
START_MS = 1_760_000_000_000 // 86_400_000 * 86_400_000


@dataclass(frozen=True)
class Selling:
    """The owner's log-in (the password is ``PASSWORD``) and the home's device."""

    email: str
    home_id: str
    device_id: str


def selling_home(stack: Stack, folder: Path) -> Selling:
    """Sign up, set up, let one device in that replays a day, share its temperature, and wait until a lot is listed."""
    neighbour_moves_in(stack.url)
    with Api(stack.url) as api:
        api.sign_up("home", EMAIL, PASSWORD)
        made = api.post(HOME, {"name": "Selling Cottage", "cell": CELL, "passphrase": PASSPHRASE, "auto_accept": True})
        words = dict(enumerate(made["words"].split()[:3], start=1))
        api.post(f"{HOME}words/confirm", {"words": words, "passphrase": PASSPHRASE})
        api.put(f"{HOME}schedule", {"text": "every 1d", "enabled": False})
        api.post(f"{HOME}consent", {"text": api.get(f"{HOME}consent")["text"]})
        api.put(f"{HOME}rules/climate", {"share": True, "level": "fine", "price": PRICE})
        code = api.post(f"{HOME}pairing-codes", {})["code"]
        agents_start(stack, folder, devices_url(stack.url, made["home"]["id"]), replaying(folder, code))
        wait_until(lambda: api.get(f"{HOME}readings")["total"] >= ROWS, "readings", 150)
        api.post(f"{HOME}batches", {"until_ms": START_MS + 86_400_000 * 2})
        wait_until(lambda: [lot for lot in api.pages(f"{HOME}lots") if lot["state"] == "listed"], "a listed lot", 120)
        wait_until(lambda: httpx.get(f"{stack.url}/api/v1/market/lots").json()["count"], "the lot in the catalog", 60)
        (device,) = api.pages(f"{HOME}devices")
    return Selling(EMAIL, made["home"]["id"], device["id"])


def replaying(folder: Path, code: str) -> dict[str, object]:
    """A climate sensor that sends a day of temperatures at once."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "day.csv"
    lines = [f"{START_MS + i * 300_000},{20 + (i * 7919 % 23) / 10:.2f}" for i in range(ROWS)]
    file.write_text("\n".join(["t_ms,temperature", *lines]))
    source = {"kind": "replay", "path": str(file), "columns": {"temperature": "temperature"}, "time_column": "t_ms"}
    return {
        "name": "selling",
        "device_class": "climate",
        "area": "hall",
        "code": code,
        "quantities": ["temperature"],
        "source": source,
    }


def neighbour_moves_in(url: str) -> None:
    """Another hub registers with the market and has itself counted in the same cell."""
    key = Signer(tagged("test/secret", b"neighbour"))
    with httpx.Client(base_url=url, trust_env=False) as http:
        public = key.public_key.hex()
        challenge = http.post("/api/v1/market/challenges", json={"public_key": public}).json()["challenge"]
        signature = key.sign_digest(tagged("hearth/register", challenge.encode(), key.public_key)).hex()
        proof = {"public_key": public, "challenge": challenge, "signature": signature}
        token = http.post("/api/v1/market/hubs", json=proof).json()["token"]
        counted = http.post("/api/v1/market/cells", json={"cell": CELL}, headers={"Authorization": f"Bearer {token}"})
        assert counted.status_code == 204, counted.text
