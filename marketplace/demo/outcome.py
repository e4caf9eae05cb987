"""What a story came to: figures for the table and the last line, and the invariants that must hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chain.contracts.credits import ESCROW
from chain.contracts.market.rows import OPEN_STATES, REFUNDED, SETTLED
from marketplace.demo.audit import Audit


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """One series of one batch as the home reports it, and the fault that was put into it (empty: honest)."""

    home: str
    batch: int
    device: str
    quantity: str
    fault: str
    rejected: bool
    reason: str
    readings: int


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet of the table: credits at the beginning and at the end."""

    name: str
    before: int
    after: int


@dataclass
class Outcome:
    """Everything that was gathered. Rows are pairs of what the buyer decrypted and what the home says it let go."""

    homes: int = 0
    devices: int = 0
    readings_in: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    series: list[SeriesFacts] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    refunded: int = 0
    other_orders: int = 0
    rows_decrypted: int = 0
    rows_of_lots: int = 0
    rows_that_differ: list[str] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)
    micro_paid: int = 0
    micro_addresses: set[bytes] = field(default_factory=set)
    granted: int = 0
    before: dict[bytes, int] = field(default_factory=dict)
    previews_compared: int = 0
    miscounted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    phases: list[tuple[str, float]] = field(default_factory=list)
    audit: Audit | None = None

    @property
    def rejected(self) -> Counter[str]:
        """Readings that did not get in or out, by reason."""
        found = Counter(self.refused)
        for entry in self.series:
            if entry.rejected:
                found[entry.reason] += entry.readings
        return found

    @property
    def lots_anchored(self) -> int:
        return sum(self.labels.values())


def broken(outcome: Outcome) -> list[str]:
    """What is wrong with a whole story, in words: an invariant that does not hold, or a part that did not happen."""
    missing = {
        "no order was settled": outcome.settled,
        "no order was refunded": outcome.refunded,
        "no row was decrypted": outcome.rows_decrypted,
        "no owner's preview was compared": outcome.previews_compared,
    }
    return [*invariants_broken(outcome), *(text for text, count in missing.items() if not count)]


def invariants_broken(outcome: Outcome) -> list[str]:
    """The invariants that do not hold, in words; they must hold whatever else happened."""
    found = outcome.audit
    assert found is not None
    checks = [
        *_money(outcome, found),
        *_devices(outcome),
        *(f"the ledger {ledger.id} does not hold: {ledger.wrong}" for ledger in found.ledgers if ledger.wrong),
        *(f"the buyer's rows of lot {lot} are not those that the home let go" for lot in outcome.rows_that_differ),
    ]
    if outcome.rows_decrypted != outcome.rows_of_lots:
        checks.append(f"{outcome.rows_decrypted} rows were decrypted, the lots bought hold {outcome.rows_of_lots}")
    return checks


def _money(outcome: Outcome, found: Audit) -> list[str]:
    wrong = []
    if found.total != found.minted - found.burnt:
        wrong.append(f"{found.total} credits are held, {found.minted} were minted and {found.burnt} burnt")
    if found.minted != outcome.granted:
        wrong.append(f"{found.minted} credits were minted, {outcome.granted} were granted")
    in_escrow = found.balances.get(ESCROW, 0)
    open_orders = sum(order.price for order in found.orders.values() if order.status in OPEN_STATES)
    if in_escrow != open_orders:
        wrong.append(f"{in_escrow} credits are in escrow, open orders come to {open_orders}")
    ended = Counter(order.status for order in found.orders.values())
    if sum(ended.values()) != ended[SETTLED] + ended[REFUNDED]:
        wrong.append("an order has no outcome")
    if (ended[SETTLED], ended[REFUNDED]) != (outcome.settled, outcome.refunded) or outcome.other_orders:
        wrong.append("buyers and ledger do not agree on how the orders ended")
    on_ledger = sum(found.balances.get(address, 0) for address in outcome.micro_addresses)
    if on_ledger != outcome.micro_paid:
        wrong.append(f"micro-wallets hold {on_ledger} credits on the ledger, their owners see {outcome.micro_paid}")
    return wrong


def _devices(outcome: Outcome) -> list[str]:
    wrong = list(outcome.miscounted)
    for entry in outcome.series:
        name = f"{entry.home} batch {entry.batch} {entry.device} {entry.quantity}"
        if entry.fault and not entry.rejected:
            wrong.append(f"{name} passed although the device {entry.fault}")
        if entry.rejected and not entry.fault:
            wrong.append(f"{name} is honest and was rejected: {entry.reason}")
    return wrong


def summary(outcome: Outcome) -> dict[str, Any]:
    """The object of ``--json``."""
    found = outcome.audit
    assert found is not None
    return {
        "homes": outcome.homes,
        "devices": outcome.devices,
        "readings_in": outcome.readings_in,
        "readings_rejected": dict(sorted(outcome.rejected.items())),
        "devices_quarantined": len(outcome.quarantined),
        "lots_anchored": outcome.lots_anchored,
        "labels": dict(sorted(outcome.labels.items())),
        "orders_settled": outcome.settled,
        "orders_refunded": outcome.refunded,
        "credits_minted": found.minted,
        "credits_total": found.total,
        "paid_to_micro_wallets": outcome.micro_paid,
        "rows_decrypted": outcome.rows_decrypted,
        "ledgers": [
            {"id": ledger.id, "height": ledger.height, "verified": ledger.verified} for ledger in found.ledgers
        ],
        "seconds": round(outcome.seconds, 1),
        "invariants_broken": broken(outcome),
        "phases": {name: round(seconds, 1) for name, seconds in outcome.phases},
    }
