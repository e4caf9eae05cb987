"""The story's table, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from marketplace.demo.outcome import Outcome, broken

if TYPE_CHECKING:
    from marketplace.demo.learning_story import Taught


def report(console: Console, outcome: Outcome) -> None:
    """Print what happened, to the devices, to the lots, to the money."""
    for table in (_devices(outcome), _figures(outcome), _wallets(outcome), _ledgers(outcome)):
        console.print(table)
    for note in outcome.notes:
        console.print(note)
    wrong = broken(outcome)
    for line in wrong:
        console.print(f"[bold red]broken[/]  {line}")
    if not wrong:
        console.print("[green]All invariants hold.[/]")
    console.print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.phases), style="dim")
    console.print(f"{outcome.seconds:.1f} s in all.")


def report_taught(console: Console, taught: Taught) -> None:
    """Print what the homes taught, and what came back to one of them."""
    table = Table("", "", title="Learning at home", show_header=False)
    for name, value in (taught.training() | taught.service()).items():
        table.add_row(name.replace("_", " "), "-" if value is None else str(value))
    console.print(table)
    for line in taught.broken():
        console.print(f"[bold red]broken[/]  {line}")


def _devices(outcome: Outcome) -> Table:
    table = Table("home", "batch", "device", "quantity", "what it did", "the other devices", title="Faulty devices")
    for entry in outcome.series:
        if entry.fault or entry.rejected:
            verdict = f"rejected: {entry.reason}" if entry.rejected else "[red]let it pass[/]"
            table.add_row(entry.home, str(entry.batch), entry.device, entry.quantity, entry.fault or "honest", verdict)
    return table


def _figures(outcome: Outcome) -> Table:
    table = Table("", "", title="What happened", show_header=False)
    table.add_row("homes, devices", f"{outcome.homes}, {outcome.devices}")
    table.add_row("readings in", f"{outcome.readings_in:,}")
    for reason, count in sorted(outcome.rejected.items()):
        table.add_row(f"  rejected: {reason}", f"{count:,}")
    table.add_row("devices quarantined", ", ".join(outcome.quarantined) or "none")
    table.add_row("lots anchored", f"{outcome.lots_anchored:,}")
    for label, count in sorted(outcome.labels.items()):
        table.add_row(f"  {label}", f"{count:,}")
    table.add_row("orders settled", f"{outcome.settled:,}")
    table.add_row("orders refunded", f"{outcome.refunded:,}")
    table.add_row("rows decrypted", f"{outcome.rows_decrypted:,}")
    return table


def _wallets(outcome: Outcome) -> Table:
    table = Table("wallet", "before", "after", "change", title="Credits")
    for column in table.columns[1:]:
        column.justify = "right"
    for wallet in outcome.wallets:
        table.add_row(wallet.name, f"{wallet.before:,}", f"{wallet.after:,}", f"{wallet.after - wallet.before:+,}")
    table.add_section()
    before, after = (sum(getattr(wallet, side) for wallet in outcome.wallets) for side in ("before", "after"))
    table.add_row("all", f"{before:,}", f"{after:,}", f"{after - before:+,}")
    return table


def _ledgers(outcome: Outcome) -> Table:
    assert outcome.audit is not None
    table = Table("ledger", "kind", "height", "transactions", "replayed from its genesis", title="Ledgers")
    for ledger in outcome.audit.ledgers:
        table.add_row(
            ledger.id[:24], ledger.kind, str(ledger.height), str(ledger.transactions), ledger.wrong or "holds"
        )
    return table
