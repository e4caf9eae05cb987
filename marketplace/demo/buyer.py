"""An enterprise and the market's operator, as programs that use the REST API."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from chain.wallets.address import address_parse
from marketplace.demo.client import Api, Refused, wait_until

ENTERPRISE = "/api/v1/enterprise/"
MARKET = "/api/v1/market/"
ENDED = {"settled", "refunded", "failed"}
ACCREDITED_DAYS = 365
SHEET_S = 60.0
COST_CHANGED = "training_cost_changed"


@dataclass
class Buyer:
    """A member of an enterprise. ``orders`` are the ids of what it ordered."""

    api: Api
    name: str
    email: str
    password: str
    orders: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Sign up, and found the enterprise; its node registers with the market by itself."""
        self.api.sign_up("enterprise", self.email, self.password)
        self.api.post(ENTERPRISE, {"name": self.name, "contact": self.email})

    def is_registered(self) -> bool:
        """Whether the enterprise's node has registered with the market."""
        return bool(self.own["registration"] != "new")

    def wait_for(self, registration: str) -> None:
        wait_until(lambda: self.own["registration"] == registration, f"{self.name} {registration}")

    @property
    def own(self) -> dict[str, Any]:
        return dict(self.api.get(ENTERPRISE))

    @property
    def address(self) -> bytes:
        return address_parse(self.own["address"])

    def balance(self) -> int:
        return int(self.api.get(f"{ENTERPRISE}wallet")["balance"])

    def lots(self, **filters: Any) -> list[dict[str, Any]]:
        """What the catalog offers."""
        return list(self.api.pages(f"{ENTERPRISE}catalog/lots", **filters))

    def lots_offered(self) -> int:
        """How many lots the catalog offers."""
        return int(self.api.get(f"{ENTERPRISE}catalog/facets")["count"])

    def look(self, lot_id: str) -> dict[str, Any]:
        """The lot's page, with the preview as the enterprise's own node checked it."""
        return dict(self.api.get(f"{ENTERPRISE}catalog/lots/{lot_id}"))

    def buy(self, lot_ids: Iterable[str]) -> str:
        """Put lots into the basket and confirm them all at once; the order's id."""
        for lot_id in lot_ids:
            self.api.post(f"{ENTERPRISE}basket", {"lot_id": lot_id})
        basket = self.api.get(f"{ENTERPRISE}basket")
        agreed = {
            "total": basket["totals"]["total"],
            "licences": sorted({line["licence"] for line in basket["items"]}),
        }
        order = self.api.post(f"{ENTERPRISE}orders", agreed)
        self.orders.append(order["id"])
        return str(order["id"])

    def order(self, order_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"{ENTERPRISE}orders/{order_id}"))

    def purchases(self) -> list[dict[str, Any]]:
        """All lines of all orders of this story."""
        return [line for order_id in self.orders for line in self.order(order_id)["purchases"]]

    def data(self, purchase_id: str) -> bytes:
        """The decrypted rows of a purchase as CSV, which keeps every decimal."""
        return self.api.get_bytes(f"{ENTERPRISE}purchases/{purchase_id}/data", **{"as": "csv"})

    def train(self, plan: dict[str, Any]) -> str:
        """Make a draft of a training job and post its notice; the job's id."""
        job = self.api.post(f"{ENTERPRISE}training", plan)["public_id"]
        self.api.post(f"{ENTERPRISE}training/{job}/notice")
        return str(job)

    def training(self, job: str) -> dict[str, Any]:
        """A training job with its rounds."""
        return dict(self.api.get(f"{ENTERPRISE}training/{job}"))

    def homes_ready(self, job: str) -> int:
        """How many homes have offered lots and a sample."""
        return sum(row["state"] == "ready" for row in self.api.get(f"{ENTERPRISE}training/{job}/answers"))

    def offer(self, version: str, title: str, terms: dict[str, Any]) -> None:
        """Offer something with a version of a model; orders are confirmed by themselves."""
        sheet = f"{ENTERPRISE}offers/{version}"
        wait_until(lambda: self._there(sheet), "the version's sheet of offers", SHEET_S)
        self.api.patch(sheet, {"rule": "automatic"})
        self.api.post(sheet, {"title": title, "currency": "EUR", "terms": terms, "price": 0})

    def offers_sent(self, version: str) -> bool:
        """Whether the market shows the offers of a version."""
        return bool(self.api.get(f"{ENTERPRISE}offers/{version}")["sent"])

    def _there(self, path: str) -> bool:
        try:
            self.api.get(path)
        except Refused as refusal:
            if refusal.http_status != httpx.codes.NOT_FOUND:
                raise
            return False
        return True

    def training_confirm(self, job: str) -> None:
        """Pay the licences at the cost that the estimate shows, once it counts all that are ready."""
        wait_until(lambda: self._training_paid(job), "the estimate in step with the homes", SHEET_S)

    def _training_paid(self, job: str) -> bool:
        estimate = self.api.get(f"{ENTERPRISE}training/{job}/estimate")
        try:
            self.api.post(f"{ENTERPRISE}training/{job}/confirm", {"total": estimate["total"]})
        except Refused as refusal:
            if refusal.code != COST_CHANGED:
                raise
            return False
        return True


@dataclass
class Operator:
    """Who runs the market: lets enterprises in and gives them credits."""

    api: Api
    email: str
    password: str
    granted: int = 0

    def begin(self) -> None:
        self.api.log_in(self.email, self.password)

    def let_in(self, address: bytes, credits: int) -> None:
        """Accredit the organisation that pays from this address, and mint credits into its wallet."""
        organisation = next(
            row for row in self.api.pages(f"{MARKET}organisations") if address_parse(row["address"]) == address
        )
        base = f"{MARKET}organisations/{organisation['id']}"
        until = datetime.now(UTC) + timedelta(days=ACCREDITED_DAYS)
        self.api.post(f"{base}/accredit", {"until": until.isoformat()})
        self.api.post(f"{base}/credits", {"amount": credits}, **{"Idempotency-Key": secrets.token_hex(16)})
        self.granted += credits
