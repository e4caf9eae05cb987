"""Why the market role or an enterprise's node refuses something."""

from __future__ import annotations

from marketplace.common.errors import Conflict, HearthError, InputError, IntegrityFault, NotAllowed, NotFound


class ChallengeInvalid(NotAllowed):
    code = "challenge_invalid"
    title = "The challenge was not answered"
    hint = "Ask for a fresh challenge and sign it with the key that you register."


class OrganisationUnknown(NotFound):
    code = "organisation_unknown"
    title = "There is no such organisation"


class OrganisationNotPending(Conflict):
    code = "organisation_state"
    title = "The organisation is not in a state in which this can be done"


class ObjectIdInvalid(InputError):
    code = "object_id_invalid"
    title = "An object id is 64 hexadecimal digits"


class ObjectUnknown(NotFound):
    code = "object_unknown"
    title = "There is no such object in the store"


class ObjectTaken(Conflict):
    code = "object_taken"
    title = "Another object has this id already"
    hint = "Seal the lot again under a fresh id."


class ObjectTooLarge(InputError):
    code = "object_too_large"
    http_status = 413
    title = "The object is larger than the store takes"


class ObjectHashWrong(IntegrityFault):
    code = "object_hash_wrong"
    title = "The bytes that arrived are not those that were announced"
    hint = "Send the object again."


class ObjectRangeWrong(InputError):
    code = "object_range_wrong"
    http_status = 416
    title = "The range does not fit the object"


class DeletionSecretWrong(NotAllowed):
    code = "deletion_secret_wrong"
    title = "Only who uploaded the object may delete it"


class LotUnknown(NotFound):
    code = "lot_unknown"
    title = "The catalog has no such lot"


class LicenceUnknown(NotFound):
    code = "licence_unknown"
    title = "There is no licence text with this hash"


class PreviewMissing(NotFound):
    code = "preview_missing"
    title = "The preview of this lot has not been opened"


class PreviewContradicts(IntegrityFault):
    code = "preview_contradicts"
    title = "The preview is not part of the lot that stands on the ledger"
    hint = "Do not buy this lot; tell the market's operator."


class AlreadyMember(Conflict):
    code = "already_member"
    title = "This user belongs to an enterprise already"


class MemberUnknown(NotFound):
    code = "member_unknown"
    title = "There is no such member"


class LastAdmin(Conflict):
    code = "last_admin"
    title = "An enterprise keeps at least one administrator"
    hint = "Make somebody else administrator first."


class NotMember(NotAllowed):
    code = "not_member"
    title = "This is for members of an enterprise"
    hint = "Sign in as a member, or sign your enterprise up."


class NotAdmin(NotAllowed):
    code = "not_enterprise_admin"
    title = "Only an administrator of the enterprise may do this"


class NotAccredited(Conflict):
    code = "not_accredited"
    title = "The market has not accredited this enterprise"
    hint = "An operator of the market looks at new organisations; you can fill the basket in the meantime."


class BasketEmpty(Conflict):
    code = "basket_empty"
    title = "The basket is empty"


class BasketChanged(Conflict):
    code = "basket_changed"
    title = "The basket is not what was confirmed"
    hint = "Look at the basket again, then confirm."


class LotNotOnSale(Conflict):
    code = "lot_not_on_sale"
    title = "This lot is not on sale"


class NotEnoughCredits(Conflict):
    code = "not_enough_credits"
    title = "The wallet holds less than the basket costs"
    hint = "Take lots out of the basket, or ask the market's operator for credits."


class OrderUnknown(NotFound):
    code = "order_unknown"
    title = "There is no such order"


class DataNotReady(Conflict):
    code = "data_not_ready"
    title = "The data of this purchase are not here"
    hint = "Data appear once the key was delivered and everything was checked."


class ExportUnknown(InputError):
    code = "export_unknown"
    title = "Data can be had as csv, json or parquet"


class KeyFileMissing(HearthError):
    code = "key_file_missing"
    http_status = 500
    title = "The node's key file is missing"
    hint = "Restore it from backup: without it the wallet can't be opened."


class LicenceNotKnown(Conflict):
    code = "licence_not_known"
    title = "The lot's licence is not one whose text we have"


class PriceChanged(Conflict):
    code = "price_changed"
    title = "The price is no longer what was confirmed"
