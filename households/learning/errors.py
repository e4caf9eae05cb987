"""Why the home refuses to let something be learnt."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, NotAllowed, NotFound


class LearningRefused(NotAllowed):
    """The home takes no part, or no part any more. ``code`` of each kind is also the reason in the history."""

    code = "learning_refused"
    title = "This home takes no part in the job"


class LearningOff(LearningRefused):
    code = "learning_off"
    title = "Learning is switched off in this home"
    hint = "The owner can switch it on again; the rules are still there."


class RuleNotInForce(LearningRefused):
    code = "rule_not_in_force"
    title = "The owner's rule has been revoked or has expired"


class RuleLimitReached(LearningRefused):
    code = "rule_epsilon_exceeded"
    title = "The epsilon of the owner's rule does not last for this round"


class HomeLimitReached(LearningRefused):
    code = "home_epsilon_exceeded"
    title = "The home's own epsilon does not last for this round"


class EpsilonEntryUnknown(NotFound):
    code = "epsilon_entry_unknown"
    title = "No epsilon was set aside for this round"


class EpsilonDiffers(Conflict):
    code = "epsilon_differs"
    title = "Another amount was set aside for this round before"


class EpsilonGivenBack(Conflict):
    code = "epsilon_given_back"
    title = "What was set aside for this round was given back"
    hint = "Set it aside again before an update is sent."


class EpsilonSpent(Conflict):
    code = "epsilon_spent"
    title = "The epsilon of this round is spent: an update has left"


class EpsilonUnbounded(InputError):
    code = "epsilon_unbounded"
    title = "Without noise there is no bound on what an update may say"


class ConsentRuleUnknown(NotFound):
    code = "consent_rule_unknown"
    title = "This home has no such rule"


class ConsentRuleInvalid(InputError):
    code = "consent_rule_invalid"
    title = "This is not a rule that can be kept"


class ConsentRuleOver(Conflict):
    code = "consent_rule_over"
    title = "The rule has been revoked already"


class TextNotRead(Conflict):
    code = "learning_text_not_read"
    title = "This is not the present text on training licences"
    hint = "Reload the page and read it again."


class LotNotForTraining(NotAllowed):
    """A lot that a job names may not be learnt from: not this home's, not anchored, or under another licence."""

    code = "lot_not_for_training"
    title = "This lot may not be learnt from"


class RowsDoNotMatch(Conflict):
    """The stored readings are not those that the home's devices approved."""

    code = "rows_do_not_match"
    title = "The readings in the home's database are not those that its devices signed"
