"""The owner of a home, as a program that uses the REST API."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chain.wallets.address import address_parse
from marketplace.common.licences import COPY, TRAINING
from marketplace.demo.cast import HomePlan
from marketplace.demo.client import Api, wait_until

HOME = "/api/v1/home/"
WORDS_CONFIRMED = 3
MICRO, CONSENT_DAYS = 1_000_000, 30
ENROL_S, UPLOAD_S = 120.0, 300.0
EARN_S = 120.0
ADVICE_S = 120.0
POLL_S = 0.3
SLOW_POLL_S = 0.6
BATCH_ENDED = {"done", "empty"}
DOMAIN_PREFIX = "simulated:"


@dataclass
class Owner:
    """One home and who owns it. ``devices`` has the home's own id of each device by its key in the plan."""

    api: Api
    plan: HomePlan
    email: str
    password: str
    home_id: str = ""
    ledger: str = ""
    code: str = ""
    words: str = field(default="", repr=False)
    devices: dict[str, str] = field(default_factory=dict)
    batches: dict[int, str] = field(default_factory=dict)
    payee_addresses: set[bytes] = field(default_factory=set)

    def begin(self) -> None:
        """Sign up, make the wallet and confirm its words, agree to share, set rules, get a code for the devices."""
        self.api.sign_up("home", self.email, self.password)
        made = self.api.post(
            HOME,
            {"name": self.plan.name, "cell": self.plan.cell, "passphrase": self.password, "auto_accept": True},
        )
        self.home_id, self.ledger = made["home"]["id"], made["home"]["ledger"]
        self.words = made["words"]
        some = dict(enumerate(self.words.split()[:WORDS_CONFIRMED], start=1))
        self.api.post(f"{HOME}words/confirm", {"words": some, "passphrase": self.password})
        self.api.put(f"{HOME}schedule", {"text": "every 1d", "enabled": False})  # the story closes batches itself
        self.api.post(f"{HOME}consent", {"text": self.api.get(f"{HOME}consent")["text"]})
        for device_class, (level, price) in self.plan.shared.items():
            licence = TRAINING if device_class in self.plan.trains else COPY
            rule = {"share": True, "level": level, "price": price, "licence": licence}
            self.api.put(f"{HOME}rules/{device_class}", rule)
        self.code = self.api.post(f"{HOME}pairing-codes", {"uses": len(self.plan.devices)})["code"]

    def let_learn(self, task: str, classes: list[str], epsilon: float, *, noiseless: bool) -> None:
        """Agree that enterprises learn a task from devices of these classes, up to an epsilon in all.

        With ``noiseless`` also in jobs that add no noise.
        """
        micro = round(epsilon * MICRO)
        self.api.patch(f"{HOME}learning", {"enabled": True, "limit_micro": micro})
        until = datetime.now(UTC) + timedelta(days=CONSENT_DAYS)
        self.api.post(
            f"{HOME}learning/rules",
            {"task": task, "classes": classes, "limit_micro": micro, "noiseless": noiseless,
             "expires_at": until.isoformat(), "text": self.api.get(f"{HOME}learning")["text"]},
        )  # fmt: skip

    def ask_advice(self, service: str, price_micro_per_kwh: int) -> dict[str, Any]:
        """Ask for a service beside the tariff of now, and wait until its models have run at home; the result."""
        body = {"service": service, "present": {"price_micro_per_kwh": price_micro_per_kwh, "currency": "EUR"}}
        inquiry = self.api.post(f"{HOME}advice/inquiries", body)["id"]

        def ended() -> dict[str, Any] | None:
            told = dict(self.api.get(f"{HOME}advice/inquiries/{inquiry}"))
            return told if told["ended_at"] else None

        return wait_until(ended, f"advice for {self.plan.name}", ADVICE_S, POLL_S)

    def order_advice(self, offer_id: str) -> dict[str, Any]:
        """Order a ranked offer and wait until the enterprise has answered and the order is at its end."""
        order = self.api.post(f"{HOME}advice/orders", {"offer": offer_id})["id"]
        completing = False

        def ended() -> dict[str, Any] | None:
            nonlocal completing
            told = dict(self.api.get(f"{HOME}advice/orders/{order}"))
            if told["state"] == "confirmed" and not completing:
                self.api.post(f"{HOME}advice/orders/{order}/complete")
                completing = True
            return told if told["ended_at"] else None

        return wait_until(ended, f"the order of {self.plan.name}", ADVICE_S, POLL_S)

    def jobs(self) -> list[dict[str, Any]]:
        """The training jobs that the home was asked to take part in."""
        return list(self.api.pages(f"{HOME}learning/jobs"))

    def wait_for_devices(self) -> None:
        """Wait until every device is a member; those in the inbox are let in when the others are."""
        mute = sum(device.mute for device in self.plan.devices)
        self._wait_for_members(len(self.plan.devices) - mute)
        if mute:
            waiting = wait_until(lambda: self.api.get(f"{HOME}inbox"), f"inbox of {self.plan.name}", ENROL_S)
            for row in waiting:
                self.api.post(f"{HOME}inbox/{row['id']}/accept")
            self._wait_for_members(len(self.plan.devices))
        for row in self.device_rows():
            key = row["failure_domain"].removeprefix(DOMAIN_PREFIX).removeprefix(f"{self.plan.key}-")
            self.devices[key] = row["id"]

    def _wait_for_members(self, count: int) -> None:
        wait_until(lambda: self.overview["devices"] >= count, f"devices of {self.plan.name}", ENROL_S, SLOW_POLL_S)

    def wait_for_readings(self) -> None:
        """Wait until the home has stored all that its devices measured."""
        wanted = sum(len(rows) for device in self.plan.devices if not device.mute for rows in device.rows.values())
        wait_until(lambda: self.readings_in() >= wanted, f"readings of {self.plan.name}", UPLOAD_S, POLL_S)

    def close_batches(self) -> None:
        """Close the plan's batches one after another, each with the readings of its time."""
        for number in range(1, self.plan.batch_count + 1):
            batch = self.api.post(f"{HOME}batches", {"until_ms": self.plan.cut_ms(number)})
            self.batches[number] = batch["id"]

    def wait_for_batches(self) -> None:
        """Wait until every batch is through: voted on, sealed, uploaded, anchored and listed."""
        wait_until(lambda: not self.batches_open(), f"batches of {self.plan.name}", UPLOAD_S, SLOW_POLL_S)

    def batches_open(self) -> int:
        """How many batches are not through yet."""
        return sum(row["batch"]["state"] not in BATCH_ENDED for row in self.batch_rows())

    @property
    def overview(self) -> dict[str, Any]:
        return dict(self.api.get(f"{HOME}overview"))

    def device_rows(self) -> list[dict[str, Any]]:
        return list(self.api.pages(f"{HOME}devices"))

    def batch_rows(self) -> list[dict[str, Any]]:
        return list(self.api.pages(f"{HOME}batches"))

    def lot_rows(self) -> list[dict[str, Any]]:
        return list(self.api.pages(f"{HOME}lots"))

    def lots_listed(self) -> int:
        """How many lots the home has on the market."""
        return sum(row["state"] == "listed" for row in self.lot_rows())

    def readings_in(self) -> int:
        return int(self.api.get(f"{HOME}readings")["total"])

    def refusals(self) -> Counter[tuple[str, str]]:
        """How many readings were refused or rejected, by (device's key, code)."""
        keys = {own_id: key for key, own_id in self.devices.items()}
        found: Counter[tuple[str, str]] = Counter()
        for row in self.api.pages(f"{HOME}refusals"):
            found[keys.get(row["device"], ""), row["code"]] += row["readings"]
        return found

    def name_devices(self) -> None:
        """Give every device the name that it has in the plan."""
        for device in self.plan.devices:
            self.api.patch(f"{HOME}devices/{self.devices[device.key]}", {"name": device.name})

    def preview(self) -> list[dict[str, Any]]:
        """What would leave with the next batch."""
        return list(self.api.get(f"{HOME}preview"))

    def wallet(self) -> dict[str, Any]:
        return dict(self.api.get(f"{HOME}wallet"))

    def orders_settled(self) -> int:
        """How many orders the hub knows to be settled."""
        return sum(row["state"] == "settled" for row in self.api.pages(f"{HOME}orders"))

    def wait_for_earnings(self) -> int:
        """Wait until the wallet page shows, as the ledger's balance, what the home's orders brought; that sum."""

        def in_step() -> dict[str, Any] | None:
            wallet = self.wallet()
            return wallet if wallet["balance"] == wallet["earned"] else None

        return int(wait_until(in_step, f"earnings of {self.plan.name}", EARN_S, POLL_S)["balance"])

    def payees(self) -> set[bytes]:
        """The addresses to which rewards of this home go."""
        return {address_parse(row["payee"]) for row in self.lot_rows()}
