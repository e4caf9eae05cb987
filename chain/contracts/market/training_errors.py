"""Why the market contract refuses a call about training licences."""

from __future__ import annotations

from chain.contracts.market.errors import MarketRefused


class NotForTraining(MarketRefused):
    code = "not_for_training"
    title = "The lot is offered as a copy only"


class LineTwice(MarketRefused):
    code = "line_twice"
    title = "The same lot or order stands in the call twice"


class TrainingUsed(MarketRefused):
    code = "training_used"
    title = "The job has a licence for this lot already"


class DeadlineInvalid(MarketRefused):
    code = "deadline_invalid"
    title = "The deadline is too early for the lots to be accepted, or more than a year away"


class TrainingUnknown(MarketRefused):
    code = "training_unknown"
    title = "There is no such training licence"


class NotThePayee(MarketRefused):
    code = "not_the_payee"
    title = "Only the payee key of the lot may do this"


class TrainingNotFunded(MarketRefused):
    code = "training_not_funded"
    title = "The licence is not waiting for the payee"


class TrainingNotAccepted(MarketRefused):
    code = "training_not_accepted"
    title = "The licence is not in force"


class TrainingOver(MarketRefused):
    code = "training_over"
    title = "The licence has ended"


class AcceptPassed(MarketRefused):
    code = "accept_passed"
    title = "The time in which the licence could be accepted is over"


class AcceptNotPassed(MarketRefused):
    code = "accept_not_passed"
    title = "The licence may still be accepted"


class ClaimsPassed(MarketRefused):
    code = "claims_passed"
    title = "The time for claims of this job is over"


class ClaimsNotPassed(MarketRefused):
    code = "claims_not_passed"
    title = "The time for claims of this job is not over"


class JobMismatch(MarketRefused):
    code = "job_mismatch"
    title = "The receipt is of another job"


class RoundNotComplete(MarketRefused):
    code = "round_not_complete"
    title = "The round was aborted, so nothing is paid for it"


class RoundBeyondLicence(MarketRefused):
    code = "round_beyond_licence"
    title = "The licence covers fewer rounds"


class RoundPaid(MarketRefused):
    code = "round_paid"
    title = "Every licence of the call was paid for this round already"


class NotAParticipant(MarketRefused):
    code = "not_a_participant"
    title = "The licence is not among the round's participants"


class PoolUnknown(MarketRefused):
    code = "pool_unknown"
    title = "The job has no bonus pool"


class PoolOver(MarketRefused):
    code = "pool_over"
    title = "The job's bonus pool has ended"


class JobNotCompleted(MarketRefused):
    code = "job_not_completed"
    title = "Only a job that was completed shares out its bonus"


class BonusWithoutRound(MarketRefused):
    code = "bonus_without_round"
    title = "A licence without a paid round has no share of the bonus"


class BonusPaid(MarketRefused):
    code = "bonus_paid"
    title = "Every licence of the call has its bonus already"


class ShareNotOfJob(MarketRefused):
    code = "share_not_of_job"
    title = "The share is not the one that the job's end has for this licence"


class BonusBeyondPool(MarketRefused):
    code = "bonus_beyond_pool"
    title = "The shares of the bonus are more than the pool"
