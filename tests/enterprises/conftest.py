"""A market with two homes and one accredited enterprise, all in process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from enterprises.catalog.indexing import catalog_advance
from enterprises.checkout import services
from enterprises.checkout.market import market_of
from enterprises.checkout.models import BuyerCursor, Enterprise, Member, Purchase, Wallet
from enterprises.checkout.rounds import buyer_advance
from enterprises.partners import services as partners
from enterprises.partners.models import Organisation
from marketplace.accounts.models import User
from tests.enterprises import market as in_process
from tests.enterprises.home import Home, Lot
from tests.enterprises.ledger import SharedLedger


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.HEARTH_VAR = tmp_path
    settings.HEARTH_SECRETS_DIR = tmp_path / "secrets"
    settings.HEARTH_K_CELL = 2
    settings.HEARTH_BUYER_MARKET = "tests.enterprises.market.connect"
    settings.HEARTH_LOT_SOURCE = "tests.enterprises.market.source"
    lots = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "store")}}
    settings.STORAGES = {**settings.STORAGES, "lots": lots}


@pytest.fixture
def ledger(db: None) -> Iterator[SharedLedger]:
    found = SharedLedger()
    in_process.world_set(found)
    yield found


@pytest.fixture
def home(ledger: SharedLedger) -> Home:
    """A home, with a neighbour in its cell, so that the cell may be shown."""
    neighbour, found = Home(ledger), Home(ledger)
    neighbour.api.post("/api/v1/market/cells", {"cell": neighbour.cell}, format="json")
    return found


@pytest.fixture
def lot(home: Home) -> Lot:
    found = home.list(home.seal())
    catalog_advance(in_process.source())
    return found


class Buyer:
    """An enterprise that the market has accredited, and its node's rounds."""

    def __init__(self, user: User, ledger: SharedLedger, name: str = "Acme Analytics", credits: int = 1000) -> None:
        self.ledger, self.user = ledger, user
        services.enterprise_sign_up(user_id=user.pk, name=name, contact="data@example.org")
        self.rounds()
        organisation = Organisation.objects.get(address=self.wallet.address)
        partners.organisation_accredit(
            organisation=organisation, until=timezone.now() + timedelta(days=3650), ledger=ledger
        )
        partners.credits_grant(
            organisation=organisation, amount=credits, key=f"grant-{user.pk}-1", operator_id=1, ledger=ledger
        )
        self.rounds()

    @property
    def member(self) -> Member:
        return Member.objects.select_related("enterprise__wallet").get(user_id=self.user.pk)

    @property
    def enterprise(self) -> Enterprise:
        return self.member.enterprise

    @property
    def wallet(self) -> Wallet:
        return self.enterprise.wallet

    @property
    def market(self) -> in_process.InProcessMarket:
        return market_of(self.enterprise)  # type: ignore[return-value]

    def order(self, *lots: Lot) -> list[Purchase]:
        """Put the lots into the basket and confirm."""
        for lot in lots:
            services.basket_add(member=self.member, market=self.market, lot_id=lot.id)
        lines = list(self.enterprise.basket.all())
        order = services.order_confirm(
            member=self.member,
            market=self.market,
            total=sum(line.price for line in lines),
            licences=sorted({line.licence for line in lines}),
        )
        return list(order.purchases.order_by("pk"))

    def rounds(self) -> None:
        """What the sweeps of the next seconds do: leases have run out, rests are over."""
        for _ in range(3):
            everything_due()
            buyer_advance()

    def balance(self) -> int:
        return self.ledger.balance(bytes.fromhex(self.wallet.address))


def everything_due() -> None:
    """Time passes: whoever held a lease is dead, and every rest is over."""
    for model in (BuyerCursor, Enterprise, Purchase, Wallet):
        model.objects.update(lease_token=None, lease_until=None, next_try_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def buyer(ledger: SharedLedger, member: User) -> Buyer:
    return Buyer(member, ledger)
