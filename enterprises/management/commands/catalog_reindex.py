"""``manage.py catalog_reindex``: write the market's index of lots anew from the shared ledger."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from enterprises.catalog.indexing import catalog_reindex
from enterprises.catalog.source import lot_source


class Command(BaseCommand):
    help = "Write the market's index of lots anew from the shared ledger."

    def handle(self, *args: Any, **options: Any) -> None:
        source = lot_source()
        count = catalog_reindex(source)
        self.stdout.write(f"{count} lots of {source.ledger} indexed")
