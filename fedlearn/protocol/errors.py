"""Why a step of a round is refused, or the round given up: each reason a class of its own."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, IntegrityFault


class RoundFault(IntegrityFault):
    """A message contradicts the round, its keys or what was said before; whoever sent it is at fault."""

    code = "round_fault"
    title = "The message does not fit the round"


class RoundAborted(Conflict):
    """The round ends here without a sum and without anything being revealed; a new round may work."""

    code = "round_aborted"
    title = "The round was given up"
    hint = "Open a new round."


class PlanInvalid(InputError):
    """A round, a quantisation or a privacy target that can't work, told before anything is sent."""

    code = "round_plan_invalid"
    title = "The plan can't work"


# Planning.


class TooFewMembers(PlanInvalid):
    code = "round_too_few_members"
    title = "A round needs at least three members"


class ModeUnknown(PlanInvalid):
    code = "round_mode_unknown"
    title = "The round's mode is not one that Hearth knows"


class CohortWrong(PlanInvalid):
    code = "round_cohort_wrong"
    title = "The list of job keys is not the one that the plan commits to"


class SumOverflows(PlanInvalid):
    code = "quantise_overflow"
    title = "The sum of so many clients would not fit into 32 bits"


class QuantiserInvalid(PlanInvalid):
    code = "quantise_plan_invalid"
    title = "The quantisation's limits are not usable"


class NoiseInvalid(PlanInvalid):
    code = "noise_plan_invalid"
    title = "The noise's variance is not usable"


class PrivacyTargetInvalid(PlanInvalid):
    code = "privacy_target_invalid"
    title = "The privacy target is not usable"


class PrivacyUnreachable(PlanInvalid):
    code = "privacy_target_unreachable"
    title = "No noise that is allowed reaches the privacy target"


# Values.


class ValueOutOfRange(InputError):
    code = "update_out_of_range"
    title = "The update holds a value beyond the agreed limit"


class ValueNotFinite(InputError):
    code = "update_not_finite"
    title = "The update holds a value that is no number"


class LengthWrong(InputError):
    code = "update_length_wrong"
    title = "The vector has another length than the plan says"


class ClipNormInvalid(InputError):
    code = "clip_norm_invalid"
    title = "The clip norm must be a positive number"


# Shamir's shares.


class ShareInvalid(InputError):
    """Points or values that are no shares."""

    code = "share_invalid"
    title = "The shares are not usable"


class ThresholdInvalid(ShareInvalid):
    code = "share_threshold_invalid"
    title = "The threshold must be at least 1 and at most the number of shares"


class SharePointInvalid(ShareInvalid):
    code = "share_point_invalid"
    title = "A share's point is repeated, not positive or too large"


class TooFewShares(ShareInvalid):
    code = "share_too_few"
    title = "There are fewer shares than the threshold"


class SharesContradict(ShareInvalid):
    code = "share_contradict"
    title = "The shares do not belong to one secret of 32 bytes"


# A round's messages.


class OtherRound(RoundFault):
    code = "round_other"
    title = "The message belongs to another round"


class MessageMalformed(RoundFault):
    code = "round_message_malformed"
    title = "The message's lists do not have the lengths that the round prescribes"


class SenderUnknown(RoundFault):
    code = "round_sender_unknown"
    title = "The sender takes no part in this stage of the round"


class BadSignature(RoundFault):
    code = "round_bad_signature"
    title = "A signature is not that of the hub's job key over this round"


class KeysRepeated(RoundFault):
    code = "round_keys_repeated"
    title = "A hub's keys are used twice, by itself or by another"


class KeysUnusable(RoundFault):
    """With such a key a hub would make all its neighbours fail."""

    code = "round_keys_unusable"
    title = "An advertised key is not a usable X25519 key"


class AnotherMessage(RoundFault):
    code = "round_another_message"
    title = "Another message for this stage was taken before"


class StageWrong(Conflict):
    code = "round_stage_wrong"
    title = "The round is at another stage"


class NotAMember(RoundFault):
    code = "round_not_a_member"
    title = "The list of members does not hold this hub's own keys"


class RosterUnproved(RoundFault):
    code = "round_roster_unproved"
    title = "The members' keys are not those that the ledger commits to"


# The survivors.


class PeerAliveAndDropped(RoundFault):
    """Someone asks for both kinds of share of one peer: with both, that peer's update could be opened."""

    code = "round_peer_alive_and_dropped"
    title = "A peer is listed both as alive and as dropped"


class SurvivorsChanged(RoundFault):
    code = "round_survivors_changed"
    title = "Another list of survivors was answered before"


class SurvivorsIncomplete(RoundFault):
    """Otherwise a server could tell each half of the hubs that the other never came, and open two sums."""

    code = "round_survivors_incomplete"
    title = "The survivors and the dropped are not those that shared their secrets with this hub"


class LeftOut(RoundFault):
    code = "round_left_out"
    title = "This hub sent its vector but is not among the survivors"


class SurvivorsUnconfirmed(RoundFault):
    code = "round_survivors_unconfirmed"
    title = "Too few neighbours confirm the list of survivors"


# Giving up.


class TooFewParticipants(RoundAborted):
    code = "round_too_few_participants"
    title = "Fewer hubs take part than the plan's minimum"


class BelowThreshold(RoundAborted):
    code = "round_below_threshold"
    title = "Too many hubs dropped out: fewer shares are left than the threshold"


class SecretNotRebuilt(RoundAborted):
    """``member`` is whose secret it is: that hub dealt wrong shares, or several holders gave wrong ones."""

    code = "round_secret_not_rebuilt"
    title = "The shares of a hub's secret contradict each other"

    def __init__(self, member: int) -> None:
        super().__init__(f"{self.title} (member {member})")
        self.member = member


# Membership.


class MemberUnknown(InputError):
    code = "membership_unknown"
    title = "The version has no such member"


class MembershipUnproved(IntegrityFault):
    code = "membership_unproved"
    title = "The proof does not lead to the version's set of participants"
