"""The market's shelf: model files and cards that organisations store, and the offers that come with a version.

A file lies in the cloud store under its own SHA-256, which stands on the service-model ledger, so nobody who serves it
can change it. Files that no version names are removed like other orphans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from chain.api import ledger_node
from chain.contracts.crossing import SERVICE_MODELS
from chain.contracts.service_models.rows import VERSIONS, VersionRow
from chain.core.codec import decode
from enterprises.offers.errors import (
    ObjectNotItsHash,
    OffersTooMany,
    OrganisationNotAccredited,
    VersionNotOffered,
    VersionNotYours,
)
from enterprises.offers.models import ModelListing, ModelObject
from enterprises.partners.models import Organisation
from fedlearn.learners.recommend.offers import offer_of
from marketplace.common.errors import InputError, NotFound

OFFERS_MAX: Final = 32
PRICE_MAX: Final = 1_000_000_000
SCAN: Final = 500
DEFAULT: Final = "enterprises.offers.shelf.NodeVersions"


class VersionUnknown(NotFound):
    code = "market_version_unknown"
    title = "The service-model ledger has no such version"


class NodeVersions:
    """The versions on the service-model ledger, as the ledger node tells them."""

    def get(self, version: bytes) -> VersionRow | None:
        data = ledger_node().get(SERVICE_MODELS, VERSIONS.name, version)
        return None if data is None else decode(VersionRow, data)

    def all(self) -> Iterator[VersionRow]:
        after: bytes | None = None
        while rows := ledger_node().scan(SERVICE_MODELS, VERSIONS.name, after, SCAN):
            for key, data in rows:
                after = key
                yield decode(VersionRow, data)


def versions() -> NodeVersions:
    """The ledger's versions; ``HEARTH_VERSION_SOURCE`` names the class that tells them."""
    found: NodeVersions = import_string(getattr(settings, "HEARTH_VERSION_SOURCE", DEFAULT))()
    return found


def object_admit(*, organisation: Organisation, object_id: str, sha256: str) -> None:
    """Note that an organisation is about to store an object.

    Raises:
        OrganisationNotAccredited, ObjectNotItsHash
    """
    if organisation.status != Organisation.Status.ACCREDITED:
        raise OrganisationNotAccredited
    if object_id != sha256:
        raise ObjectNotItsHash
    ModelObject.objects.get_or_create(object_id=object_id, defaults={"organisation": organisation})


def objects_kept(candidates: Iterable[str]) -> set[str]:
    """Those of these objects (ids in hexadecimal) that a version on the ledger names as its file or its card.

    What was found once is remembered, so that the ledger is read again only for objects that are new.
    """
    rows = ModelObject.objects.filter(object_id__in=list(candidates))
    kept = set(rows.filter(named=True).values_list("object_id", flat=True))
    asked = set(rows.filter(named=False).values_list("object_id", flat=True))
    if asked:
        named = {each.hex() for row in versions().all() for each in (row.object_id, row.card)}
        rows.filter(object_id__in=asked & named).update(named=True)
        kept |= asked & named
    return kept


def listing_put(*, organisation: Organisation, version: str, offers: list[dict[str, Any]]) -> ModelListing:
    """Put these offers in the place of those that came with the version before.

    Args:
        offers: ``{"offer": declared form, "price": credits of an order}``, at most 32.

    Raises:
        VersionUnknown, VersionNotYours, OffersTooMany, OfferInvalid and its kinds
    """
    row = versions().get(_hash_of(version))
    if row is None:
        raise VersionUnknown
    if row.enterprise.hex() != organisation.address:
        raise VersionNotYours
    if len(offers) > OFFERS_MAX:
        raise OffersTooMany(f"A version has at most {OFFERS_MAX} offers.")
    for each in offers:
        offer_of(each["offer"])
    listing, _ = ModelListing.objects.update_or_create(
        version=version, defaults={"organisation": organisation, "offers": offers}
    )
    return listing


def listing_get(version: str) -> ModelListing:
    """The offers that come with a version; raises ``VersionNotOffered``."""
    row = ModelListing.objects.select_related("organisation").filter(version=version).first()
    if row is None:
        raise VersionNotOffered
    return row


def _hash_of(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32 or text != found.hex():
        raise InputError("A version is named by 64 hexadecimal digits.")
    return found
