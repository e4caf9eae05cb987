"""Why the market contract refuses a call. A refused call uses up its nonce and changes nothing else."""

from __future__ import annotations

from chain.core.errors import Refused


class MarketRefused(Refused):
    code = "market_refused"


# Publishing a lot.


class PayeeUsed(MarketRefused):
    code = "payee_used"
    title = "This payee key has a lot already; seal the lot again under a fresh child key"


class ObjectUsed(MarketRefused):
    code = "object_used"
    title = "Another lot points at this object already"


class PointUsed(MarketRefused):
    code = "point_used"
    title = "This point was used before; each lot and each order needs a fresh one"


class PointInvalid(MarketRefused):
    code = "market_point_invalid"
    title = "The bytes are not a point of the curve secp256k1"


class SealKeyInvalid(MarketRefused):
    code = "seal_key_invalid"
    title = "The HPKE key of the lot is not a usable X25519 key"


class BatchDead(MarketRefused):
    code = "batch_dead"
    title = "A lot of this batch failed its preview or was burnt, so the batch can't be listed again"


class BatchOnSale(MarketRefused):
    code = "batch_on_sale"
    title = "This batch is anchored or listed in another lot at this moment"


class ChunkCountInvalid(MarketRefused):
    code = "chunk_count_invalid"
    title = "A lot has at least 32 chunks and at most what the ledger's parameters allow"


class LotEmpty(MarketRefused):
    code = "lot_empty"
    title = "A lot holds at least one record and one byte"


class PeriodInvalid(MarketRefused):
    code = "period_invalid"
    title = "The period of a lot ends after it starts"


class PriceInvalid(MarketRefused):
    code = "price_invalid"
    title = "A price is at least one credit"


class LabelInvalid(MarketRefused):
    code = "label_invalid"
    title = "The label claims more than that number of voters can say"


class ExpiryPast(MarketRefused):
    code = "expiry_past"
    title = "The offer would end before it begins"


# Life of a lot.


class LotUnknown(MarketRefused):
    code = "lot_unknown"
    title = "There is no such lot"


class LotNotAnchored(MarketRefused):
    code = "lot_not_anchored"
    title = "The lot is not waiting for its preview"


class LotNotListed(MarketRefused):
    code = "lot_not_listed"
    title = "The lot is not on offer"


class BeaconPending(MarketRefused):
    code = "beacon_pending"
    title = "The block that chooses the preview is not there yet"


class PreviewClosed(MarketRefused):
    code = "preview_closed"
    title = "The time in which the preview could be opened is over"


class PreviewStillOpen(MarketRefused):
    code = "preview_still_open"
    title = "The preview may still be opened"


class PreviewIndicesWrong(MarketRefused):
    code = "preview_indices_wrong"
    title = "The keys are not those of the chunks that the later block chose"


class LotNotExpired(MarketRefused):
    code = "lot_not_expired"
    title = "The lot is still on offer by its own terms"


# Orders.


class BuyerNotAccredited(MarketRefused):
    code = "buyer_not_accredited"
    title = "Only accredited enterprises may buy"


class LotExpired(MarketRefused):
    code = "lot_expired"
    title = "The time in which the lot was on offer is over"


class PriceChanged(MarketRefused):
    code = "price_changed"
    title = "The price of the lot is not the one that the buyer signed"


class LicenceMismatch(MarketRefused):
    code = "licence_mismatch"
    title = "The licence of the lot is not the one that the buyer signed"


class NotForCopy(MarketRefused):
    code = "not_for_copy"
    title = "The lot is offered for training only; its key is not for sale"


class PointsCancel(MarketRefused):
    code = "points_cancel"
    title = "S + R is the point at infinity; pick another r"


class RSignatureInvalid(MarketRefused):
    code = "r_signature_invalid"
    title = "The order is not signed by the secret of its own point"


class TooManyOpenOrders(MarketRefused):
    code = "too_many_open_orders"
    title = "The lot has as many open orders as it may have; try again when some are finished"


class OrderUnknown(MarketRefused):
    code = "order_unknown"
    title = "There is no such order"


class NotTheSeller(MarketRefused):
    code = "not_the_seller"
    title = "Only the payee key of the lot may do this"


class NotTheBuyer(MarketRefused):
    code = "not_the_buyer"
    title = "Only the buyer of the order may do this"


class OrderNotFunded(MarketRefused):
    code = "order_not_funded"
    title = "The order is not waiting for the seller's commitment"


class OrderNotCommitted(MarketRefused):
    code = "order_not_committed"
    title = "The order has no commitment that could be opened"


class OrderNotDelivered(MarketRefused):
    code = "order_not_delivered"
    title = "The order is not delivered, or it is finished"


class OrderNotOpen(MarketRefused):
    code = "order_not_open"
    title = "The order is not waiting for the seller"


class DeadlinePassed(MarketRefused):
    code = "deadline_passed"
    title = "The time for this step is over"


class DeadlineNotPassed(MarketRefused):
    code = "deadline_not_passed"
    title = "The time for the other side's step is not over"


class CommitmentMismatch(MarketRefused):
    code = "commitment_mismatch"
    title = "The answer is not the one that was committed to"


class ScalarInvalid(MarketRefused):
    code = "market_scalar_invalid"
    title = "The scalar is not canonical (1 to N-1)"


class AnswerWrong(MarketRefused):
    code = "answer_wrong"
    title = "eG is not S + R, so the answer does not hand over the key"


# Complaints.


class ComplaintIndexInvalid(MarketRefused):
    code = "complaint_index_invalid"
    title = "The lot has no chunk of that index"


class KeyNotInLot(MarketRefused):
    code = "key_not_in_lot"
    title = "The key is not that leaf of the lot's keys"


class ChunkNotInLot(MarketRefused):
    code = "chunk_not_in_lot"
    title = "The chunk is not that leaf of the lot's chunks"


class PlainLeafNotInLot(MarketRefused):
    code = "plain_leaf_not_in_lot"
    title = "The leaf is not the one that the lot's digest has for this chunk"


class ChunkHonest(MarketRefused):
    code = "chunk_honest"
    title = "The chunk opens to what the digest says, so there is nothing to complain of"


class SecretNotOfLot(MarketRefused):
    code = "secret_not_of_lot"
    title = "The secret is not the lot's: sG is not S"


class KeyHonest(MarketRefused):
    code = "key_honest"
    title = "The key is the one that the secret gives, so there is nothing to complain of"
