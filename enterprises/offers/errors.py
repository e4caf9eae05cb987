"""Why the market's shelf, or an enterprise's desk of offers, refuses something."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, NotAllowed, NotFound


class OrganisationNotAccredited(NotAllowed):
    code = "organisation_not_accredited"
    title = "Only an accredited organisation puts models on the shelf"


class ObjectNotItsHash(InputError):
    code = "object_not_its_hash"
    title = "An organisation stores an object under the SHA-256 of its bytes"


class VersionNotYours(NotAllowed):
    code = "version_not_yours"
    title = "The version is another enterprise's"


class VersionNotOffered(NotFound):
    code = "version_not_offered"
    title = "Nothing is offered with this version"


class OffersTooMany(InputError):
    code = "offers_too_many"
    title = "There are too many offers on one version"


class SheetUnknown(NotFound):
    code = "offer_sheet_unknown"
    title = "There is no such version of yours"


class OfferUnknown(NotFound):
    code = "offer_unknown"
    title = "There is no such offer"


class OfferKindUnfit(InputError):
    code = "offer_kind_unfit"
    title = "This model does not predict what the offer is judged by"


class OfferThere(Conflict):
    code = "offer_there"
    title = "This very offer is on the version already"


class ServiceOrderUnknown(NotFound):
    code = "offer_order_unknown"
    title = "There is no such order"


class ServiceOrderAnswered(Conflict):
    code = "offer_order_answered"
    title = "The order has been answered already, or its time is over"
