"""All models of the app, so that Django finds them; each says by ``hearth_db`` which alias it lives on."""

from __future__ import annotations

from enterprises.board.models import MailObject, NoticeAnswer, Pseudonym, TrainingNotice
from enterprises.catalog.models import CatalogCursor, CatalogLot, CellHome, ObjectPart, StoredObject
from enterprises.checkout.models import (
    BasketLine,
    BuyerCursor,
    BuyerTransaction,
    Enterprise,
    Member,
    Order,
    Purchase,
    PurchaseStep,
    Wallet,
)
from enterprises.offers.models import (
    ModelListing,
    ModelObject,
    OfferSheet,
    OrdersCursor,
    ServiceCall,
    ServiceOrder,
    VersionOffer,
)
from enterprises.partners.models import CreditGrant, HubAccount, MarketToken, Organisation
from enterprises.training.models import JobPeer, JobStep, TrainingJob

__all__ = [
    "BasketLine", "BuyerCursor", "BuyerTransaction", "CatalogCursor", "CatalogLot", "CellHome", "CreditGrant",
    "Enterprise", "HubAccount", "JobPeer", "JobStep", "MailObject", "MarketToken", "Member", "ModelListing",
    "ModelObject", "NoticeAnswer", "ObjectPart", "OfferSheet", "Order", "OrdersCursor", "Organisation", "Pseudonym",
    "Purchase", "PurchaseStep", "ServiceCall", "ServiceOrder", "StoredObject", "TrainingJob", "TrainingNotice",
    "VersionOffer", "Wallet",
]  # fmt: skip
