"""Why a hub does not take part in a round, or a job can't go on: each reason a class of its own."""

from __future__ import annotations

from marketplace.common.errors import Conflict, IntegrityFault


class Declined(Conflict):
    """A hub stays away from a round; the coordinator hears the code and nothing else."""

    code = "round_declined"
    title = "The hub takes no part in this round"


class NotAgreed(Declined):
    code = "round_not_agreed"
    title = "The job is not the one that the hub agreed to"


class NotInCohort(Declined):
    code = "round_not_in_cohort"
    title = "The hub's key is not in the job's cohort"


class RoundNotPlanned(Declined):
    code = "round_not_planned"
    title = "The round is not as the job's plan says"


class RoundIsOld(Declined):
    code = "round_is_old"
    title = "The hub has seen a later round of this job"


class TermsInvalid(IntegrityFault):
    code = "job_terms_invalid"
    title = "The terms of the job contradict each other"


class JobOver(Conflict):
    code = "job_over"
    title = "The job is over"
