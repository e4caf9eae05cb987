"""Enterprises that offer models of their own on both ledgers in process, with the market's real shelf over REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import httpx

from chain.contracts.service_models.rows import VERSIONS, VersionRow
from chain.crypto.secp256k1 import public_key
from enterprises.checkout import keys, services
from enterprises.checkout.models import Enterprise, Member, Wallet
from enterprises.checkout.outbox import wallet_context
from enterprises.offers.models import ModelListing, OfferSheet, OrdersCursor, ServiceOrder, VersionOffer
from enterprises.offers.port import ShelfClient
from enterprises.offers.rounds import offers_advance
from enterprises.partners.models import MarketToken, Organisation
from enterprises.partners.tokens import token_digest, token_new
from households.advice.connect import ShelfClient as HomeShelf
from households.advice.port import Connection
from households.models import Household
from marketplace.accounts.models import User
from tests.enterprises.board import DjangoTransport, hub_new
from tests.enterprises.conftest import everything_due
from tests.households.advice import NIGHT, AdviceMarket, offer
from tests.pure.chain.contracts.world import address, secret_of


class OffersWorld:
    """The two ledgers, and the market as homes and enterprises reach it."""

    here: ClassVar[OffersWorld]

    def __init__(self) -> None:
        self.market = AdviceMarket()
        self.transport = DjangoTransport()
        self.http = httpx.Client(transport=self.transport, base_url="http://market.test")
        self.tokens: dict[int, str] = {}
        OffersWorld.here = self

    def enterprise(self, user: User, name: str, title: str) -> Enterprise:
        """An accredited enterprise whose wallet is the one that the tests know by ``name``."""
        self.market.enterprise(name)
        enterprise = services.enterprise_sign_up(user_id=user.pk, name=title, contact="data@example.org")
        key = public_key(secret_of(name)).hex()
        wallet = Wallet.objects.get(enterprise=enterprise)
        wallet.address, wallet.public_key = address(name).hex(), key
        wallet.sealed_secret = keys.seal(secret_of(name), wallet_context(wallet))
        wallet.save()
        Enterprise.objects.filter(pk=enterprise.pk).update(registration=Enterprise.Registration.ACCREDITED)
        token = token_new("organisation")
        organisation = Organisation.objects.create(
            name=title, contact="data@example.org", address=address(name).hex(), public_key=key, status="accredited"
        )
        MarketToken.objects.create(kind="organisation", digest=token_digest(token), organisation=organisation)
        self.tokens[enterprise.pk] = token
        enterprise.refresh_from_db()
        return enterprise

    def rounds(self, number: int = 3) -> None:
        """What the sweeps of the next seconds do."""
        for _ in range(number):
            everything_due()
            for model in (OrdersCursor, OfferSheet, ServiceOrder):
                model.objects.update(lease_until=None, next_try_at="2020-01-01T00:00Z")
            offers_advance()


class Buyer:
    """``BuyerMarket`` as far as offers need it: the shared ledger, and ``models()``."""

    def __init__(self, world: OffersWorld) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.market.shared, name)

    def models(self) -> Any:
        return self._world.market.models


def connect(token: str = "") -> Buyer:
    """``HEARTH_BUYER_MARKET`` of these tests."""
    return Buyer(OffersWorld.here)


def shelf(enterprise: Enterprise) -> ShelfClient:
    """``HEARTH_OFFERS_SHELF``: the real client over the real REST API."""
    return ShelfClient(OffersWorld.here.http, OffersWorld.here.tokens[enterprise.pk])


class Versions:
    """``HEARTH_VERSION_SOURCE``: the market reads its own ledger."""

    def get(self, version: bytes) -> VersionRow | None:
        return next((row for row in self.all() if row.version == version), None)

    def all(self) -> Iterator[VersionRow]:
        for _, row in OffersWorld.here.market.models.engine.state.scan(VERSIONS):
            yield row


class HomeConnector:
    """``HEARTH_ADVICE_CONNECTOR``: a home whose shelf is the market's REST API."""

    def connect(self, household: Household) -> Connection:
        world = OffersWorld.here
        return Connection(world.market.shared, world.market.models, HomeShelf(world.http, hub_new().token))


def names_of(enterprise: Enterprise) -> dict[str, str]:
    """A version with one offer, on the market's shelf too, and a home's order of it. For tests of access."""
    version, digest = "5a" * 32, "5b" * 32
    sheet = OfferSheet.objects.create(enterprise=enterprise, version=version, service=digest, service_name="advice")
    body = offer("Night owl", NIGHT)["offer"]
    found = VersionOffer.objects.create(sheet=sheet, digest=digest, body=body)
    order = ServiceOrder.objects.create(
        enterprise=enterprise, offer=found, order_id=digest, version=version, digest=digest, account="5c" * 20,
        price=0, placed_ms=1, deadline_ms=2,
    )  # fmt: skip
    organisation = Organisation.objects.get(address=enterprise.wallet.address)
    ModelListing.objects.create(version=version, organisation=organisation, offers=[{"offer": body, "price": 0}])
    return {"sheet": version, "offer": str(found.public_id), "service_order": str(order.public_id)}


def member_of(user: User) -> Member:
    return Member.objects.select_related("enterprise__wallet").get(user_id=user.pk)
