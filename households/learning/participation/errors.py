"""Why a home takes no part in a job, or no part any more. The enterprise hears of none of these codes."""

from __future__ import annotations

from fedlearn.runtime.jobs.errors import Declined
from marketplace.common.errors import Conflict, IntegrityFault, NotFound


class ParticipationUnknown(NotFound):
    code = "participation_unknown"
    title = "This home was not asked to take part in such a job"


class ParticipationOver(Conflict):
    code = "participation_over"
    title = "The home takes no part in this job any more"


class RewardsOutstanding(Declined):
    """Three finished rounds without the proof that they can be claimed (docs/adr/0059)."""

    code = "rewards_outstanding"
    title = "The enterprise has not shown the last rounds on the ledger"


class CohortTooSmall(Declined):
    code = "cohort_too_small"
    title = "Fewer homes take part than the plan says"


class HomeNotSuited(Conflict):
    """The home's licensed rows are not enough for the task."""

    code = "home_lacks_rows"
    title = "The licensed rows are not enough for the job"


class ClaimInvalid(IntegrityFault):
    code = "learning_claim_invalid"
    title = "The enterprise's proof does not fit to what this home sent and to what the ledger says"


class NotInVersion(NotFound):
    code = "not_in_version"
    title = "No update of this home is in that version"
