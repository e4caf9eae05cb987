"""Gathering what a story came to: from owners and buyers by the API, and from the plan what it should have been."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chain.contracts.credits import ESCROW
from chain.exchange.rows import rows_text
from households.privacy.classes import quantity_of, to_fixed
from households.privacy.levels import columns_of, rule_for
from households.privacy.transforms import desensitise
from marketplace.common.types import to_ms
from marketplace.demo.buyer import Buyer
from marketplace.demo.cast import DevicePlan, HomePlan
from marketplace.demo.outcome import Outcome, SeriesFacts, Wallet
from marketplace.demo.owner import Owner

if TYPE_CHECKING:
    from marketplace.demo.story import Story

AT_DOOR = {"segment_replayed"}
QUARANTINED, IN_QUARANTINE = "device_inactive", "is in quarantine by now"
NO_SEED = bytes(32)  # no rule of the cast adds noise, so the seed changes nothing


def tell(story: Story) -> None:
    """Fill in the story's outcome from what everybody says now."""
    sold: dict[str, tuple[HomePlan, DevicePlan, str, int]] = {}
    for owner in story.owners:
        _home(story, owner, sold)
    for buyer in story.buyers:
        story.buyer_addresses[buyer.name] = buyer.address
        _buyer(story, buyer, sold)
    story.outcome.granted = story.operator.granted


def wallets_tell(story: Story) -> None:
    """Who holds what by the replayed ledger, beside what it was before anything was bought."""
    out = story.outcome
    assert out.audit is not None
    held = dict(out.audit.balances)
    for name, address in [*story.buyer_addresses.items(), ("Hearsay Ltd", story.outsider.address)]:
        out.wallets.append(Wallet(name, out.before.get(address, 0), held.pop(address, 0)))
    for owner in story.owners:
        earned = sum(held.pop(address, 0) for address in owner.payee_addresses)
        out.wallets.append(Wallet(f"{owner.plan.name}: micro-wallets", 0, earned))
    out.wallets.append(Wallet("escrow", 0, held.pop(ESCROW, 0)))
    out.wallets.append(Wallet("the market's fees", 0, sum(held.values())))


def preview_compare(out: Outcome, owner: Owner) -> None:
    """What the owner is shown to leave with the next (and only) batch, against the rows of the plan."""
    devices = {own_id: device for device in owner.plan.devices if (own_id := owner.devices[device.key])}
    for series in owner.preview():
        if not series["leaves"]:
            continue
        wanted = rows_that_leave(owner.plan, devices[series["device"]], series["quantity"], 1)
        shown = [tuple(row) for row in series["preview"]["rows"]]
        out.previews_compared += 1
        if series["preview"]["row_count"] != len(wanted) or shown != [
            (str(t_ms), *texts) for t_ms, *texts in wanted[: len(shown)]
        ]:
            out.miscounted.append(f"{owner.plan.name}: the preview of {series['quantity']} shows other rows")


def _home(story: Story, owner: Owner, sold: dict[str, tuple[HomePlan, DevicePlan, str, int]]) -> None:
    out, plan = story.outcome, owner.plan
    out.homes += 1
    rows = owner.device_rows()
    out.devices += len(rows)
    out.readings_in += owner.readings_in()
    keys = {row["id"]: device for row in rows for device in plan.devices if owner.devices[device.key] == row["id"]}
    out.quarantined += [f"{plan.name}: {keys[row['id']].name}" for row in rows if row["status"] == "quarantined"]
    for (_, code), count in owner.refusals().items():
        if code in AT_DOOR:
            out.refused[code] += count
    batches = {row["batch"]["id"]: row["batch"] for row in owner.batch_rows()}
    for lot in owner.lot_rows():
        device, batch = keys[lot["device"]], batches[lot["batch"]]
        _lot(story, plan, device, lot, batch)
        sold[lot["lot_id"]] = (plan, device, lot["quantity"], batch["number"])
    for batch in batches.values():
        _check_counts(story, plan, batch)
    owner.payee_addresses = owner.payees()
    out.micro_addresses |= owner.payee_addresses
    out.micro_paid += owner.wallet()["balance"]


def _lot(story: Story, plan: HomePlan, device: DevicePlan, lot: dict[str, Any], batch: dict[str, Any]) -> None:
    number, quantity = batch["number"], lot["quantity"]
    fault = device.fault_in(number, quantity)
    rejected = lot["state"] == "rejected"
    suspended = device.faults and lot["reject_code"] == QUARANTINED
    story.outcome.series.append(
        SeriesFacts(
            home=plan.name,
            batch=number,
            device=device.name,
            quantity=quantity,
            fault=fault.says if fault else IN_QUARANTINE if suspended else "",
            rejected=rejected,
            reason=lot["reject_code"],
            readings=len(device.batches[number - 1].get(quantity, [])) if rejected else 0,
        )
    )
    if lot["anchored_height"]:
        story.outcome.labels[batch["label"]] += 1


def _check_counts(story: Story, plan: HomePlan, batch: dict[str, Any]) -> None:
    """Series that are not for sale are judged as well: the batch counts them."""
    number = batch["number"]
    wanted = sum(
        1
        for device in plan.devices
        for quantity in device.quantities
        if device.fault_in(number, quantity) and device.batches[number - 1].get(quantity)
    )
    known = Counter(entry.batch for entry in story.outcome.series if entry.home == plan.name and entry.fault)
    if batch["series_rejected"] != max(wanted, known[number]):
        story.outcome.miscounted.append(
            f"{plan.name} batch {number}: {batch['series_rejected']} series rejected, {wanted} were bad"
        )


def _buyer(story: Story, buyer: Buyer, sold: dict[str, tuple[HomePlan, DevicePlan, str, int]]) -> None:
    out = story.outcome
    for line in buyer.purchases():
        if line["state"] == "settled":
            out.settled += 1
            _compare(story, buyer, line, *sold[line["lot_id"]])
        elif line["state"] == "refunded":
            out.refunded += 1
        else:
            out.other_orders += 1


def _compare(
    story: Story, buyer: Buyer, line: dict[str, Any], plan: HomePlan, device: DevicePlan, quantity: str, number: int
) -> None:
    """The buyer's rows against those that the owner's rule makes of what the device measured."""
    wanted = rows_that_leave(plan, device, quantity, number)
    text = buyer.data(line["id"]).decode()
    got = [(to_ms(datetime.fromisoformat(row[0])), *row[1:]) for row in list(csv.reader(io.StringIO(text)))[1:]]
    story.outcome.rows_decrypted += len(got)
    story.outcome.rows_of_lots += line["facts"]["record_count"]
    if got != wanted:
        story.outcome.rows_that_differ.append(line["lot_id"])


def rows_that_leave(plan: HomePlan, device: DevicePlan, quantity: str, number: int) -> list[tuple[Any, ...]]:
    """The rows of a series of a batch (from 1) after the owner's rule: time in ms, and the value as text."""
    level, _ = plan.shared[device.device_class]
    rule = rule_for(device.device_class, quantity, level)
    measured = quantity_of(device.device_class, quantity)
    readings = [(t_ms, to_fixed(measured, text)) for t_ms, text in device.batches[number - 1][quantity]]
    rows = desensitise(readings, rule, batch_seed=NO_SEED, series_id=NO_SEED)
    return [(row[0], *texts[1:]) for row, texts in zip(rows, rows_text(columns_of(rule), rows), strict=True)]
