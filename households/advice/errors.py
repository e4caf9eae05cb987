"""Why a service gives no advice, or an order is not placed."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, IntegrityFault, NotFound


class ServiceUnknown(NotFound):
    code = "advice_service_unknown"
    title = "There is no such service, or it does not fit this home"


class InquiryUnknown(NotFound):
    code = "inquiry_unknown"
    title = "This home has asked no such question"


class InquiryUnderWay(Conflict):
    code = "inquiry_under_way"
    title = "This service is being asked already"
    hint = "Wait for its result."


class NoModels(NotFound):
    code = "no_models"
    title = "No enterprise offers a model for this service at the moment"


class NoUsableModel(Conflict):
    code = "no_usable_model"
    title = "None of the models could be used"


class OfferGone(NotFound):
    code = "ranked_offer_unknown"
    title = "There is no such offer in this home's advice"


class AdviceOrderUnknown(NotFound):
    code = "advice_order_unknown"
    title = "This home has no such order"


class OrderedAlready(Conflict):
    code = "advice_ordered"
    title = "This offer is ordered already"


class NotConfirmedYet(Conflict):
    code = "advice_not_confirmed"
    title = "The enterprise has not confirmed the order"


class CreditsMissing(Conflict):
    code = "advice_credits_missing"
    title = "The master wallet does not hold the price"
    hint = "Move earnings to the master wallet first."


class PassphraseNeeded(InputError):
    code = "advice_passphrase_needed"
    title = "This order costs credits, so it needs the passphrase of the wallet"


class ReadingsTooFew(Conflict):
    """The home's readings do not make a table of the task."""

    code = "readings_too_few"
    title = "This home has not measured enough yet"


class VersionNotProven(IntegrityFault):
    code = "version_not_proven"
    title = "What the market says of the model is not what its enterprise published"


class ModelNotTheLedgers(IntegrityFault):
    code = "model_not_the_ledgers"
    title = "The file is not the one that the ledger names"


class CardNotTheLedgers(IntegrityFault):
    code = "card_not_the_ledgers"
    title = "The card is not the one that the ledger names"
