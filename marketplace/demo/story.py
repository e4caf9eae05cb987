"""Hearth's main job from beginning to end, played by programs that only use the REST API, on real processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.progress import Progress

from marketplace.demo.audit import audit
from marketplace.demo.buyer import ENDED, Buyer, Operator
from marketplace.demo.cast import HomePlan
from marketplace.demo.client import wait_until
from marketplace.demo.devices import devices_url, replaying
from marketplace.demo.homes import OPERATOR_EMAIL, PASSWORD
from marketplace.demo.outcome import Outcome
from marketplace.demo.owner import Owner
from marketplace.demo.stage import Stage
from marketplace.demo.stranger import Outsider
from marketplace.demo.telling import preview_compare, tell, wallets_tell
from marketplace.supervisor import answers_at

BUYERS = ("Fair Grid", "Warm Rooms Research")
CREDITS, OUTSIDER_CREDITS = 10_000, 500
AT_ONCE = 4
START_S = 60.0
SETTLE_S = 300.0
CATALOG_S = 60.0
PREVIEWS = 2
LOTS = 24
T = TypeVar("T")


class Story:
    """One run on a stage: ``lots`` are bought, one of them by both buyers. ``play`` gives what it came to."""

    def __init__(self, stage: Stage, cast: Iterable[HomePlan], progress: Progress, lots: int = LOTS) -> None:
        self.stage = stage
        self.plans = list(cast)
        self.progress = progress
        self.lots = lots
        self.outcome = Outcome()
        self.owners = [Owner(stage.api(), plan, f"{plan.key}@home.example", PASSWORD) for plan in self.plans]
        self.buyers = [
            Buyer(stage.api(), name, f"buyer{place}@firm.example", PASSWORD)
            for place, name in enumerate(BUYERS, start=1)
        ]
        self.operator = Operator(stage.api(), OPERATOR_EMAIL, PASSWORD)
        self.buyer_addresses: dict[str, bytes] = {}
        self.outsider = Outsider(stage.url)
        self.stranger = Outsider(stage.url)

    def play(self) -> Outcome:
        began = time.monotonic()
        with self._phase("databases"):
            self.stage.prepare()
        with self._phase("processes and sign-up"):
            self.begin()
        with self._phase("enrolment"):
            self.enrol()
        with self._phase("readings"):
            self.each("readings in", self.owners, Owner.wait_for_readings, at_once=1)
        with self._phase("votes and uploads"):
            self._upload()
        with self._phase("purchases"):
            self._buy()
        with self._phase("silent hubs"):
            self._refund()
        with self._phase("stop"):
            self.stage.stack.stop()
        with self._phase("ledgers"):
            self.outcome.audit = audit(self.stage.var)
            wallets_tell(self)
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    # --- Phases ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Owners make their wallets as soon as the web answers; enterprises are let in when all processes run."""
        with ThreadPoolExecutor(1) as pool:
            owners = pool.submit(self._owners_begin)
            # Not in the pool: what a thread starts is told to end when that thread does.
            self.stage.stack.start()
            owners.result()
        self.each("enterprises", self.buyers, Buyer.begin)
        self.outsider.register("Hearsay Ltd", "outsider@firm.example")
        for buyer in self.buyers:
            wait_until(buyer.is_registered, f"{buyer.name} at the market")
            self.operator.let_in(buyer.address, CREDITS)
        self.operator.let_in(self.outsider.address, OUTSIDER_CREDITS)

    def _owners_begin(self) -> None:
        wait_until(lambda: answers_at(f"{self.stage.url}/health/"), "the web", START_S)
        self.operator.begin()
        self.each("owners", self.owners, Owner.begin)

    def enrol(self) -> None:
        """The devices start; each proves its key, and the devices before it vote on letting it in."""
        agents = [
            agent
            for owner in self.owners
            for agent in replaying(
                owner.plan,
                self.stage.folder,
                url=devices_url(self.stage.url, owner.home_id),
                code=owner.code,
            )
        ]
        self.stage.start_devices({"devices": agents})
        # One owner asks at a time: questions take from the machine what the devices need.
        self.each("homes complete", self.owners, Owner.wait_for_devices, at_once=1)

    def _upload(self) -> None:
        """Batches are closed, voted on, sealed, uploaded, anchored, listed; some owners look first what would leave."""
        for owner in [owner for owner in self.owners if owner.plan.batch_count == 1][:PREVIEWS]:
            preview_compare(self.outcome, owner)
        self.each("batches closed", self.owners, Owner.close_batches)
        self.each("homes through", self.owners, Owner.wait_for_batches, at_once=1)

    def _buy(self) -> None:
        """Both enterprises look at the catalog, check previews, and buy; one lot is bought by both."""
        for buyer in self.buyers:
            buyer.wait_for("accredited")
            self.outcome.before[buyer.address] = buyer.balance()
        self.outcome.before[self.outsider.address] = self.outsider.market.balance(self.outsider.address)
        self.order(self.choose())
        self.wait_for_purchases()

    def order(self, lots: list[str]) -> None:
        """Each buyer takes every other lot, and the second lot is bought by both; previews are looked at first."""
        for buyer, wanted in zip(self.buyers, (lots[0::2] + lots[1:2], lots[1::2]), strict=True):
            if not buyer.look(wanted[0])["preview_checked"]:
                self.outcome.notes.append(f"{buyer.name} could not check the preview of {wanted[0]}.")
            buyer.buy(wanted)

    def wait_for_purchases(self) -> None:
        """Wait until every purchase is settled, refunded or failed."""
        bar = self.progress.add_task("purchases at their end", total=None)

        def all_ended() -> bool:
            states = [line["state"] for buyer in self.buyers for line in buyer.purchases()]
            ended = sum(state in ENDED for state in states)
            self.progress.update(bar, completed=ended, total=len(states))
            return ended == len(states)

        wait_until(all_ended, "every purchase at its end", SETTLE_S, 0.5)

    def wait_for_earnings(self) -> None:
        """Wait until the hubs have seen every settlement, and the wallet pages show what the ledger pays."""
        settled = sum(line["state"] == "settled" for buyer in self.buyers for line in buyer.purchases())
        wait_until(
            lambda: sum(owner.orders_settled() for owner in self.owners) == settled, "settlements seen", SETTLE_S, 0.5
        )
        self.each("what the wallets say", self.owners, Owner.wait_for_earnings, at_once=1)

    def choose(self) -> list[str]:
        """Lots evenly from the whole catalog, as many as the story buys, once it has all that the homes offer."""
        listed_by_homes = sum(owner.lots_listed() for owner in self.owners)
        wait_until(lambda: self.buyers[0].lots_offered() >= listed_by_homes, "all lots in the catalog", CATALOG_S)
        listed = sorted(self.buyers[0].lots(), key=lambda lot: (lot["device_class"], lot["quantity"], lot["lot_id"]))
        step = max(1, len(listed) // self.lots)
        return [lot["lot_id"] for lot in listed[::step]][: self.lots]

    def _refund(self) -> None:
        """Hubs and buyers' nodes are switched off; somebody pays all the same, and is refunded by a stranger's call."""
        bought = {line["lot_id"] for buyer in self.buyers for line in buyer.purchases()}
        lot = next(row["lot_id"] for row in self.buyers[0].lots() if row["lot_id"] not in bought)
        self.wait_for_earnings()
        self.stage.workers_stop()
        order_id = self.outsider.fund(lot)
        tell(self)  # the deadline passes meanwhile
        self.stranger.expire_when_due(order_id)
        self.outcome.refunded += 1
        self.outcome.notes.append(
            "When all hubs were switched off, Hearsay Ltd paid for a lot; nobody delivered, and after the deadline a "
            "stranger's call of expire gave the money back."
        )

    # --- Tools -------------------------------------------------------------------------------------------------------

    def each(self, what: str, items: list[T], do: Callable[[T], Any], *, at_once: int = AT_ONCE) -> None:
        bar = self.progress.add_task(what, total=len(items))
        with ThreadPoolExecutor(at_once) as pool:
            for _ in pool.map(do, items):
                self.progress.advance(bar)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        bar = self.progress.add_task(name, total=None)
        try:
            yield
        finally:
            self.outcome.phases.append((name, time.monotonic() - began))
            self.progress.update(bar, total=1, completed=1)
