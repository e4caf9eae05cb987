"""Why a reading, a message, a proposal or a vote is refused: one class and one stable code for each reason."""

from __future__ import annotations

from households.privacy.classes import fixed_text
from marketplace.common.errors import Conflict, InputError, IntegrityFault, NotAllowed


class MessageRefused(InputError):
    """A frame from an agent or a hub was not taken."""

    code = "message_refused"
    title = "The message was not taken"


class MessageMalformed(MessageRefused):
    code = "message_malformed"
    title = "The bytes are not a message of this protocol"


class MessageTooLarge(MessageRefused):
    code = "message_too_large"
    http_status = 413
    title = "The message is larger than the protocol allows"


class MessageNotCanonical(MessageRefused):
    code = "message_not_canonical"
    title = "The message is not in its canonical form"


class MessageOutOfTurn(MessageRefused):
    code = "message_out_of_turn"
    http_status = 409
    title = "The message is not expected at this point"


class SegmentRefused(InputError):
    """A segment of readings was not taken; nothing of it is stored."""

    code = "segment_refused"
    title = "The readings were not taken"


class SegmentMalformed(SegmentRefused):
    code = "segment_malformed"
    title = "The bytes are not a segment of readings in canonical form"


class SegmentTooLarge(SegmentRefused):
    code = "segment_too_large"
    http_status = 413
    title = "The segment holds more readings or bytes than the protocol allows"


class SegmentBadSignature(SegmentRefused):
    code = "segment_bad_signature"
    title = "The signature does not match the device's key"


class SegmentUnknownDevice(SegmentRefused):
    code = "segment_unknown_device"
    title = "The home knows no such device"


class SegmentWrongLedger(SegmentRefused):
    code = "segment_wrong_ledger"
    title = "The readings were signed for another home"


class SegmentWrongAccount(SegmentRefused):
    code = "segment_wrong_account"
    title = "The readings are bound to another micro-wallet"


class SegmentReplayed(SegmentRefused):
    code = "segment_replayed"
    http_status = 409
    title = "The sequence was used before: these readings are a replay"


class SegmentOutOfOrder(SegmentRefused):
    code = "segment_out_of_order"
    title = "The times of the readings do not rise"


class SegmentOutOfTime(SegmentRefused):
    code = "segment_out_of_time"
    title = "The readings are too far from the time at which they arrived"
    hint = "Mark readings that were kept while the connection was down as backfilled."


class SegmentWrongUnit(SegmentRefused):
    code = "segment_wrong_unit"
    title = "The quantity is not measured in this unit"


class SegmentUnknownQuantity(SegmentRefused):
    code = "segment_unknown_quantity"
    title = "The device did not announce this quantity"


class DeviceInactive(NotAllowed):
    code = "device_inactive"
    title = "The device's certificate is not active"


class DeviceLacksPermission(NotAllowed):
    code = "device_lacks_permission"
    title = "The owner has not permitted this to the device"


class EnrolmentRefused(NotAllowed):
    code = "enrolment_refused"
    title = "The device could not prove its identity key"


class ProposalRefused(IntegrityFault):
    """A voter does not sign this proposal."""

    code = "proposal_refused"
    title = "The proposal can't be voted on"


class ProposalBadSignature(ProposalRefused):
    code = "proposal_bad_signature"
    title = "The proposal is not signed by the home's hub"


class ProposalWrongPlace(ProposalRefused):
    code = "proposal_wrong_place"
    title = "The proposal does not follow the newest block"


class ProposalNotReproduced(ProposalRefused):
    code = "proposal_not_reproduced"
    title = "Executing the proposal gives another block"


class RoundNotVoid(ProposalRefused):
    code = "round_not_void"
    title = "The owner has not signed the round before as void"


class BatchIncomplete(ProposalRefused):
    code = "batch_incomplete"
    title = "The readings do not match the root in the proposal"


class LimitsRefused(InputError):
    """Limits of the checks that no voter judges by."""

    code = "limits_refused"
    title = "The checks can't be set like this"


class LimitUnknown(LimitsRefused):
    code = "limit_unknown"
    title = "There is no such limit"


class LimitOutOfBounds(LimitsRefused):
    """``name`` is the limit; the bounds are integers with ``decimals`` decimals."""

    code = "limit_out_of_bounds"
    title = "The limit lies outside what may be set"

    def __init__(self, name: str, lowest: int, highest: int, decimals: int, unit: str) -> None:
        low, high = (fixed_text(bound, decimals) for bound in (lowest, highest))
        super().__init__(f"{name} may be {low} to {high} {unit}".rstrip())
        self.name = name


class LimitsDisordered(LimitsRefused):
    code = "limits_disordered"
    title = "Limits are sorted by name, each is named once, and none stands at its default"


class HubEquivocated(IntegrityFault):
    """Two proposals, both signed by the hub, stand at one height and round: the home's ledger halts."""

    code = "hub_equivocated"
    title = "The hub signed two proposals for one round"


class VoteRefused(IntegrityFault):
    code = "vote_refused"
    title = "The vote is not counted"


class VoteBadSignature(VoteRefused):
    code = "vote_bad_signature"
    title = "The vote's signature does not match the voter's key"


class VoteFromStranger(VoteRefused):
    code = "vote_from_stranger"
    title = "The signer is not a voter at this height"


class VoteMalformed(VoteRefused):
    code = "vote_malformed"
    title = "The vote's verdicts can't be read or do not fit the proposal"


class VoteAlreadySigned(Conflict):
    """The vote log holds another vote at this height and round; signing twice is never done."""

    code = "vote_already_signed"
    title = "A vote was signed already for this height and round"


class LedgerHalted(Conflict):
    code = "ledger_halted"
    title = "This home's ledger has halted after a fault of its hub"
