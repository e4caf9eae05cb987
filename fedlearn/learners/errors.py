"""Why a plan, a table, a model, an offer or a measurement is refused: each reason a class of its own."""

from __future__ import annotations

from marketplace.common.errors import InputError, IntegrityFault, NotFound


class TrainingPlanInvalid(InputError):
    """A training plan that can't be followed, told before anything is paid."""

    code = "plan_invalid"
    title = "The training plan can't work"


class PlanValueInvalid(TrainingPlanInvalid):
    code = "plan_value_invalid"
    title = "A value of the plan is outside its limits"


class PlanMalformed(TrainingPlanInvalid):
    code = "plan_malformed"
    title = "The bytes are no training plan"


class FamilyUnfit(TrainingPlanInvalid):
    code = "plan_family_unfit"
    title = "This model family does not fit the task"


class TooManyParameters(TrainingPlanInvalid):
    code = "plan_too_many_parameters"
    title = "The model has too many parameters"


class CohortInvalid(TrainingPlanInvalid):
    code = "plan_cohort_invalid"
    title = "The cohort and its minimum do not fit each other"


class GroupsInvalid(TrainingPlanInvalid):
    code = "plan_groups_invalid"
    title = "Groups must hold at least eight homes, and there must be at least three of them"


class PrivacyInvalid(TrainingPlanInvalid):
    code = "plan_privacy_invalid"
    title = "The privacy target is not usable"


class BudgetTooSmall(TrainingPlanInvalid):
    code = "plan_budget_too_small"
    title = "The budget does not cover the rewards of all rounds"


class ScheduleInvalid(TrainingPlanInvalid):
    code = "plan_schedule_invalid"
    title = "The rounds would not be over before the job comes again"


# Names.


class TemplateUnknown(NotFound):
    code = "task_template_unknown"
    title = "There is no such task template"


class FamilyUnknown(NotFound):
    code = "family_unknown"
    title = "There is no such model family"


class PlanStrategyUnknown(TrainingPlanInvalid):
    code = "plan_strategy_unknown"
    title = "There is no such strategy"


# Local data.


class SeriesInvalid(InputError):
    code = "series_invalid"
    title = "A series needs as many finite values as times, and rising times"


class TableInvalid(InputError):
    code = "table_invalid"
    title = "The table of features and labels is not usable"


class StatisticsInvalid(InputError):
    code = "statistics_invalid"
    title = "The summed statistics contradict themselves"


# Models.


class ModelInvalid(IntegrityFault):
    """Parameters or a model file that can't be used."""

    code = "model_invalid"
    title = "The model can't be used"


class ParametersWrongShape(ModelInvalid):
    code = "model_wrong_shape"
    title = "The parameters do not have the shape that the card says"


class ParametersNotFinite(ModelInvalid):
    code = "model_not_finite"
    title = "The parameters hold values that are no numbers"


class ModelMalformed(ModelInvalid):
    code = "model_malformed"
    title = "The file is no model of Hearth"


class ModelHashWrong(ModelInvalid):
    code = "model_hash_wrong"
    title = "The file is not the one that the ledger names"


class TrainingDiverged(InputError):
    code = "training_diverged"
    title = "Training did not settle: its values grew beyond any model's"
    hint = "Choose a lower learning rate."


class SumsSingular(InputError):
    code = "ridge_sums_singular"
    title = "The sums do not determine a model"
    hint = "Choose a larger L2 weight."


# Measures.


class MeasureInvalid(InputError):
    code = "measure_invalid"
    title = "The figures can't be computed from these values"


class AttackInvalid(InputError):
    code = "attack_invalid"
    title = "There is no such attack, or its numbers are not usable"


class CardInvalid(InputError):
    code = "card_invalid"
    title = "The model card lacks what it must say, or claims more than was measured"


# Offers.


class OfferInvalid(InputError):
    """An offer that can't be scored."""

    code = "offer_invalid"
    title = "The offer can't be scored"


class OfferMalformed(OfferInvalid):
    code = "offer_malformed"
    title = "The offer is not written in the declared form"


class OfferKindUnknown(OfferInvalid):
    code = "offer_kind_unknown"
    title = "There is no such kind of offer"


class OfferPriceInvalid(OfferInvalid):
    code = "offer_price_invalid"
    title = "A price of the offer is outside its limits"


class OfferHoursInvalid(OfferInvalid):
    code = "offer_hours_invalid"
    title = "The offer's hours or list of prices have the wrong length or are repeated"


class OfferRepeated(OfferInvalid):
    code = "offer_repeated"
    title = "Two offers have one id"


class CurrenciesDiffer(OfferInvalid):
    code = "offer_currencies_differ"
    title = "Offers in different currencies can't be ranked"


class OfferUnfit(OfferInvalid):
    code = "offer_unfit"
    title = "This kind of offer can't be scored by what the model predicts"


class ForecastInvalid(OfferInvalid):
    code = "forecast_invalid"
    title = "The prediction is empty, not finite, or not hourly"
