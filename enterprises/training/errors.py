"""Why a training job can't be made, asked for, or gone on with."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, NotFound


class TrainingUnknown(NotFound):
    code = "training_job_unknown"
    title = "There is no such training job"


class TrainingStateWrong(Conflict):
    code = "training_state"
    title = "The job is not in a state in which this can be done"


class PlanFieldsInvalid(InputError):
    """``fields``: what is wrong with which field of the plan."""

    code = "plan_fields_invalid"
    title = "The plan can't be followed"

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self.fields = fields
        super().__init__(" ".join(said for each in fields.values() for said in each))


class TrainingNotReady(Conflict):
    code = "training_not_ready"
    title = "Too few homes are ready"
    hint = "Wait for more answers, or open another job with a lower minimum."


class TrainingCostChanged(Conflict):
    code = "training_cost_changed"
    title = "The cost is not what was confirmed"
    hint = "Look at the estimate again, then confirm."


class TrainingTooDear(Conflict):
    code = "training_not_enough_credits"
    title = "The wallet holds less than the job costs"
    hint = "Ask the market's operator for credits, or open a smaller job."
