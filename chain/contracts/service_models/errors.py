"""Why the service-model contract refuses a call. A refused call uses up its nonce and changes nothing else."""

from __future__ import annotations

from chain.core.errors import Refused


class ModelsRefused(Refused):
    code = "models_refused"


class EnterpriseNotAccredited(ModelsRefused):
    code = "enterprise_not_accredited"
    title = "This ledger knows of no accreditation of the sender that holds at this moment"
    hint = "Show the shared ledger's receipt of the accreditation here, and send the call again."


class ServiceExists(ModelsRefused):
    code = "service_exists"
    title = "There is a service of this name already"


class ServiceUnknown(ModelsRefused):
    code = "service_unknown"
    title = "There is no such service"


class ReceiptUsed(ModelsRefused):
    code = "receipt_used"
    title = "The receipt was used already"


# Jobs and rounds.


class LicencesOfOther(ModelsRefused):
    code = "licences_of_other"
    title = "The licences were paid by another sender or for another plan"


class JobExists(ModelsRefused):
    code = "job_exists"
    title = "The job was opened already"


class JobUnknown(ModelsRefused):
    code = "job_unknown"
    title = "There is no such job"


class JobOver(ModelsRefused):
    code = "job_over"
    title = "The job has ended"


class NotTheJobsEnterprise(ModelsRefused):
    code = "not_the_jobs_enterprise"
    title = "Only the enterprise that opened the job may do this"


class JobDeadlineInvalid(ModelsRefused):
    code = "job_deadline_invalid"
    title = "The job would end before it begins, or in more than a year"


class JobDeadlinePassed(ModelsRefused):
    code = "job_deadline_passed"
    title = "The job's deadline has passed"


class RoundOutOfOrder(ModelsRefused):
    code = "round_out_of_order"
    title = "The round is not the job's next one"


class ModelMismatch(ModelsRefused):
    code = "model_mismatch"
    title = "The round does not start from the model that the job has come to"


class CohortTooSmall(ModelsRefused):
    code = "cohort_too_small"
    title = "Fewer homes are in the sum than the job needs at least"


class ParticipantsInvalid(ModelsRefused):
    code = "participants_invalid"
    title = "The counts of homes, survivors and licences do not fit together"


class ReasonInvalid(ModelsRefused):
    code = "reason_invalid"
    title = "What failed or was stopped has a reason, and what was completed has none"


class AbortedWithResult(ModelsRefused):
    code = "aborted_with_result"
    title = "An aborted round has no survivors, no participants and no new model"


class EpsilonShrinks(ModelsRefused):
    code = "epsilon_shrinks"
    title = "What was spent of epsilon can't become less"


class EpsilonExceeded(ModelsRefused):
    code = "epsilon_exceeded"
    title = "The round would spend more epsilon than the job declared"


class SharesInvalid(ModelsRefused):
    code = "shares_invalid"
    title = "Only a completed job has shares of the bonus"


class JobUnfinished(ModelsRefused):
    code = "job_unfinished"
    title = "A job without a completed round can't be completed"


# Versions.


class RoundUnknown(ModelsRefused):
    code = "round_unknown"
    title = "The job has no such completed round"


class ParametersMismatch(ModelsRefused):
    code = "parameters_mismatch"
    title = "The parameters are not those that the round left"


class VersionExists(ModelsRefused):
    code = "version_exists"
    title = "This version was published already"


class VersionUnknown(ModelsRefused):
    code = "version_unknown"
    title = "There is no such version"


class PreviousInvalid(ModelsRefused):
    code = "previous_invalid"
    title = "The previous version is not one of this enterprise's for this service"


class MetricsInvalid(ModelsRefused):
    code = "metrics_invalid"
    title = "Metrics stand in the order of their names, each once"


class NotTheVersionsEnterprise(ModelsRefused):
    code = "not_the_versions_enterprise"
    title = "Only the enterprise of the version may do this"


class VersionWithdrawn(ModelsRefused):
    code = "version_withdrawn"
    title = "The version was withdrawn"


class VersionCurrent(ModelsRefused):
    code = "version_current"
    title = "The version is the current one already"


# Service orders.


class OrderExists(ModelsRefused):
    code = "service_order_exists"
    title = "This order was placed already"


class OrderUnknown(ModelsRefused):
    code = "service_order_unknown"
    title = "There is no such service order"


class OrderDeadlineInvalid(ModelsRefused):
    code = "service_order_deadline_invalid"
    title = "The order's deadline is past, or more than a year away"


class OrderMoneyMissing(ModelsRefused):
    code = "service_order_money_missing"
    title = "An order with a price needs the shared ledger's receipt, one without needs none"


class OrderMoneyMismatch(ModelsRefused):
    code = "service_order_money_mismatch"
    title = "The money is another one's, or of another order, enterprise, price or deadline"


class NotTheOrdersEnterprise(ModelsRefused):
    code = "not_the_orders_enterprise"
    title = "Only the enterprise of the order may do this"


class NotOfTheOrder(ModelsRefused):
    code = "not_of_the_order"
    title = "Only the household or the enterprise of the order may do this"


class OrderNotPlaced(ModelsRefused):
    code = "service_order_not_placed"
    title = "The order does not wait for the enterprise"


class OrderNotConfirmed(ModelsRefused):
    code = "service_order_not_confirmed"
    title = "The enterprise has not confirmed the order, or it is completed"


class OrderDeadlinePassed(ModelsRefused):
    code = "service_order_deadline_passed"
    title = "The time in which the order could be confirmed is over"


class OrderDeadlineNotPassed(ModelsRefused):
    code = "service_order_deadline_not_passed"
    title = "The order may still be confirmed"
