"""``manage.py ledger show|verify|reindex LEDGER``: look at a ledger, replay it from its genesis, rebuild its index."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from chain import selectors
from chain.core.blocks import genesis_hash, header_hash
from chain.core.errors import LedgerFault
from chain.core.types import Block
from chain.engine.replay import verify_chain
from chain.stores.index import LedgerIndex
from chain.stores.sql import SqlStore
from marketplace.common.errors import HearthError

NEWEST_SHOWN = 10


class Command(BaseCommand):
    help = "Show a ledger, verify it from its genesis, or rebuild its index."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("show", "verify", "reindex"))
        parser.add_argument("ledger", help="the ledger's id, or its kind if the database keeps one of it (shared)")
        parser.add_argument("--database", default="ledger", help="the database alias (default: ledger)")
        parser.add_argument("--last", type=int, default=NEWEST_SHOWN, help="how many blocks show lists")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=cast("IO[str]", self.stdout._out), highlight=False, width=120)
        try:
            store = selectors.ledger_store(alias=options["database"], ledger=options["ledger"])
            if options["action"] == "show":
                _show(console, store, options["last"])
            elif options["action"] == "verify":
                _verify(console, store)
            else:
                _reindex(console, store)
        except LedgerFault as fault:
            place = "" if fault.height is None else f" at height {fault.height}"
            raise CommandError(f"The ledger is wrong{place}: {fault.detail}.") from fault
        except HearthError as error:
            raise CommandError(f"{error.detail}.") from error


def _show(console: Console, store: SqlStore, last: int) -> None:
    genesis, height = store.genesis(), store.height()
    assert genesis is not None
    console.print(f"ledger      {genesis.ledger}")
    console.print(f"kind        {genesis.kind}")
    console.print(f"genesis     {genesis_hash(genesis).hex()}  {_moment(genesis.time_ms)}")
    console.print(f"validators  {len(genesis.validators)} at the genesis")
    for name, value in genesis.params:
        console.print(f"param       {name} = {value}")
    console.print(f"height      {height}")
    console.print(f"indexed to  {LedgerIndex(store).height}")
    table = Table("height", "time", "transactions", "refused", "votes", "hash")
    for block in store.blocks(max(1, height - last + 1)):
        table.add_row(*_block_row(block))
    console.print(table)


def _block_row(block: Block) -> tuple[str, ...]:
    refused = sum(1 for receipt in block.receipts if receipt.code)
    return (
        str(block.header.height),
        _moment(block.header.time_ms),
        str(len(block.transactions)),
        str(refused),
        str(len(block.commit.votes)),
        header_hash(block.header).hex()[:16],
    )


def _verify(console: Console, store: SqlStore) -> None:
    genesis = store.genesis()
    assert genesis is not None
    contracts = selectors.ledger_contracts(genesis)
    with _bar(console) as bar:
        task = bar.add_task("verifying", total=store.height())
        report = verify_chain(store, contracts, lambda height, head: bar.update(task, completed=height, total=head))
    if not report.ok:
        raise LedgerFault(report.reason, height=report.wrong_height)
    console.print(
        f"{report.ledger}: {report.blocks} blocks and {report.transactions} transactions hold, "
        f"head {report.head_hash.hex()}",
        soft_wrap=True,
    )


def _reindex(console: Console, store: SqlStore) -> None:
    with _bar(console) as bar:
        task = bar.add_task("indexing", total=store.height())
        count = LedgerIndex(store).rebuild(lambda done: bar.update(task, completed=done))
    console.print(f"{store.ledger}: {count} blocks indexed")


def _bar(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
