"""What operators see and do: organisations, accreditation, credits, the catalog, the store.

Rows that follow the ledger can't be edited here; the actions call the services, which write to the ledger first.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from chain.wallets.address import address_text
from enterprises.catalog.models import CatalogLot, CellHome, StoredObject
from enterprises.catalog.objects import object_remove
from enterprises.partners import services
from enterprises.partners.models import CreditGrant, HubAccount, Organisation
from enterprises.partners.operator import operator_ledger
from marketplace.common.errors import HearthError

ACCREDIT_DAYS = 365
TOP_UPS = (1_000, 10_000, 100_000)
STATUS_COLOURS = {"pending": "warning", "accredited": "success", "suspended": "danger"}


class ReadOnly(ModelAdmin):
    """Rows that may be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GrantInline(TabularInline):
    """Credits that an organisation was given."""

    model = CreditGrant
    extra = 0
    fields = readonly_fields = ("amount", "state", "refusal", "tx_id", "created_at", "done_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Organisation)
class OrganisationAdmin(ModelAdmin):
    """Accredit, suspend, top up: each for all chosen organisations, each repeatable."""

    list_display = ("name", "contact", "state", "accredited_until", "wallet", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "contact", "address")
    fields = readonly_fields = (
        "public_id", "name", "contact", "status", "accredited_until", "wallet", "public_key", "created_at",
    )  # fmt: skip
    inlines = (GrantInline,)
    actions = ("accredit", "suspend", "top_up_small", "top_up_medium", "top_up_large")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="Status", ordering="status", label=STATUS_COLOURS)
    def state(self, row: Organisation) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description="Wallet")
    def wallet(self, row: Organisation) -> str:
        return address_text(bytes.fromhex(row.address))

    @action(description=f"Accredit for {ACCREDIT_DAYS} days")
    def accredit(self, request: HttpRequest, rows: QuerySet[Organisation]) -> None:
        until = timezone.now() + timedelta(days=ACCREDIT_DAYS)

        def one(row: Organisation) -> None:
            services.organisation_accredit(organisation=row, until=until, ledger=operator_ledger())

        _each(self, request, rows, one, "accredited")

    @action(description="Suspend")
    def suspend(self, request: HttpRequest, rows: QuerySet[Organisation]) -> None:
        def one(row: Organisation) -> None:
            services.organisation_suspend(organisation=row, ledger=operator_ledger())

        _each(self, request, rows, one, "suspended")

    @action(description=f"Give {TOP_UPS[0]:,} credits")
    def top_up_small(self, request: HttpRequest, rows: QuerySet[Organisation]) -> None:
        _top_up(self, request, rows, TOP_UPS[0])

    @action(description=f"Give {TOP_UPS[1]:,} credits")
    def top_up_medium(self, request: HttpRequest, rows: QuerySet[Organisation]) -> None:
        _top_up(self, request, rows, TOP_UPS[1])

    @action(description=f"Give {TOP_UPS[2]:,} credits")
    def top_up_large(self, request: HttpRequest, rows: QuerySet[Organisation]) -> None:
        _top_up(self, request, rows, TOP_UPS[2])


@admin.register(CreditGrant)
class CreditGrantAdmin(ReadOnly):
    """Credits given, and those whose answer was not seen."""

    list_display = ("organisation", "amount", "state", "refusal", "created_at", "done_at")
    list_filter = ("state",)
    actions = ("look", "again")

    @action(description="Look for it on the ledger")
    def look(self, request: HttpRequest, rows: QuerySet[CreditGrant]) -> None:
        def one(row: CreditGrant) -> None:
            services.grant_look(grant=row, ledger=operator_ledger())

        _each(self, request, rows, one, "looked for")

    @action(description="Send again if it is not on the ledger")
    def again(self, request: HttpRequest, rows: QuerySet[CreditGrant]) -> None:
        def one(row: CreditGrant) -> None:
            services.grant_again(grant=row, ledger=operator_ledger())

        _each(self, request, rows.filter(state=CreditGrant.State.SENDING), one, "sent")


@admin.register(HubAccount)
class HubAccountAdmin(ReadOnly):
    """Hubs by key: there is no name to see."""

    list_display = ("public_id", "public_key", "created_at")
    search_fields = ("public_key",)


@admin.register(CatalogLot)
class CatalogLotAdmin(ReadOnly):
    """The index of lots."""

    list_display = ("lot_id", "status", "device_class", "quantity", "cell", "label", "price", "open_orders", "missed")
    list_filter = ("status", "device_class", "label", "cell")
    search_fields = ("lot_id", "search")


@admin.register(StoredObject)
class StoredObjectAdmin(ReadOnly):
    """The cloud store."""

    list_display = ("object_id", "state", "size_bytes", "created_at", "stored_at")
    list_filter = ("state",)
    search_fields = ("object_id",)
    actions = ("remove",)

    @action(description="Delete from the store")
    def remove(self, request: HttpRequest, rows: QuerySet[StoredObject]) -> None:
        _each(self, request, rows, object_remove, "deleted")


@admin.register(CellHome)
class CellHomeAdmin(ReadOnly):
    """Which cells have homes."""

    list_display = ("cell", "seen_on")
    list_filter = ("cell",)


def _top_up(site: ModelAdmin, request: HttpRequest, rows: QuerySet[Organisation], amount: int) -> None:
    """The form's token is part of the key, so that a form that is sent twice grants once."""
    form = request.POST.get("csrfmiddlewaretoken", "") or uuid.uuid4().hex

    def one(row: Organisation) -> None:
        key = uuid.uuid5(row.public_id, f"{form}:{amount}").hex
        services.credits_grant(
            organisation=row, amount=amount, key=key, operator_id=int(request.user.pk or 0), ledger=operator_ledger()
        )

    _each(site, request, rows, one, f"given {amount:,} credits")


def _each(site: ModelAdmin, request: HttpRequest, rows: QuerySet[Any], act: Any, done: str) -> None:
    """Do it for each row; say how many went through and why others did not."""
    count = 0
    for row in rows:
        try:
            act(row)
            count += 1
        except HearthError as refused:
            site.message_user(request, f"{row}: {refused.detail}", messages.ERROR)
    if count:
        site.message_user(request, f"{count} {done}.", messages.SUCCESS)
