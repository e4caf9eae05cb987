"""What pages say for the states and codes of training jobs."""

from __future__ import annotations

from typing import Final

from enterprises.training.plans import helpful_classes, needed_classes
from enterprises.views.words import CLASSES
from fedlearn.learners.families import FAMILIES
from fedlearn.learners.templates import TEMPLATES
from marketplace.common.words import Word

STATES: Final[dict[str, Word]] = {
    "draft": Word("Draft", "idle", "Nobody has been told of it yet."),
    "noticed": Word("Posting the notice", "info", "The notice is on its way to the market's board.", True),
    "gathering": Word("Homes answer", "info", "Homes whose owners have consented answer the notice.", True),
    "funding": Word("Paying licences", "info", "The licences are on their way into escrow.", True),
    "waiting": Word("Waiting for homes", "info", "Each home's hub accepts the licences for its lots.", True),
    "running": Word("Learning", "new", "Homes learn where their data is; only masked sums come here.", True),
    "completed": Word("Completed", "ok"),
    "failed": Word("Failed", "bad"),
    "cancelled": Word("Cancelled", "idle"),
}
SCHEDULED: Final = Word("Scheduled", "idle", "The next repeat; it looks for homes by itself when its time has come.")
CANCELLING: Final = Word("Ending", "warn", "The job ends with its next step.", True)
WINDINGS: Final = {
    "ending": "Its end is being written on the ledgers.",
    "refunding": "Homes may still claim their share; what is left then comes back to your wallet.",
    "done": "Nothing is left to do.",
}
PEERS: Final[dict[str, Word]] = {
    "answered": Word("Answered", "idle", "Its keys are not on the ledger yet.", True),
    "asked": Word("Asked for a channel", "info", "", True),
    "approved": Word("Asked for its lots", "info", "", True),
    "offered": Word("Offers lots", "info", "", True),
    "ready": Word("Ready", "ok"),
    "chosen": Word("Licences paid", "info", "Waiting for the home to accept.", True),
    "accepted": Word("Takes part", "ok"),
    "declined": Word("Declined", "warn"),
    "left_out": Word("Left out", "idle"),
}
REASONS: Final = {
    "too_few_homes": "Too few homes answered in time.",
    "not_confirmed": "The job was not confirmed within a week of the last answer.",
    "too_few_accepted": "Too few homes accepted. The money comes back.",
    "price_changed": "A lot costs something else by now. Nothing was paid.",
    "service_unit_differs": "The service of this name is registered in another unit. Choose another name.",
    "deadline_passed": "The time that was paid for is over.",
    "below_threshold": "Too many homes fell silent in the same round.",
    "too_few_participants": "Too few homes joined three times in a row.",
    "training_diverged": "The model ran away. Try a smaller step size.",
    "not_chosen": "It was not among the homes that were ready.",
    "no_lots": "It offers no lot with a training licence.",
    "no_held_out_figures": "No version: no home was held out, so its quality on unseen homes is not known.",
    "figures_lost_in_noise": "No version: with so few homes, the noise hides what the held-out homes say of it.",
}
FIGURES: Final = {
    "r2": "R²",
    "mae": "Mean error",
    "rmse": "RMSE",
    "auc": "AUC",
    "log_loss": "Log loss",
    "brier": "Brier score",
}
LIMITS: Final = {
    "figures_of_held_out_homes_only": "Its figures are of homes that did not train, and of no others.",
    "no_privacy_bound": "No noise was added: masks hide each home's update, nothing bounds what the sums tell.",
    "membership_not_measured": "How well one can tell who took part was not measured.",
    "attacks_not_measured": "How it stands up to homes that attack was not measured; updates were clipped.",
    "some_attacks_not_withstood": "Some attacks took more from its quality than the tolerance.",
}


def state_word(state: str, cancelling: bool, scheduled: bool = False) -> Word:
    """The word for a job's state; an ended job is not being ended any more."""
    if cancelling and state not in ("completed", "failed", "cancelled"):
        return CANCELLING
    if scheduled and state == "noticed":
        return SCHEDULED
    return STATES.get(state, Word(state, "idle"))


def peer_word(state: str) -> Word:
    """The word for how far a home has come."""
    return PEERS.get(state, Word(state, "idle"))


def reason_text(code: str) -> str:
    """A sentence for the code of why; an unknown code is said as it is, so nothing is hidden."""
    if not code:
        return ""
    known = REASONS.get(code) or next((text for name, text in REASONS.items() if code.endswith(name)), "")
    return known or f"Reason: {code.replace('_', ' ')}."


def outcome_text(code: str) -> str:
    """How a round ended."""
    return "Opened" if code == "opened" else reason_text(code)


def task_title(name: str) -> str:
    """The title of a task."""
    return TEMPLATES[name].title if name in TEMPLATES else name


def family_title(name: str) -> str:
    """The title of a model family."""
    return FAMILIES[name].title if name in FAMILIES else name


def classes_text(names: list[str], joint: str = ", ") -> str:
    """Device classes as an enumeration."""
    return joint.join(CLASSES.get(name, (name, ""))[0].lower() for name in names)


def classes_hint(task: str) -> str:
    """A sentence on what a home needs for a task."""
    needs, helps = classes_text(needed_classes(task), " or "), classes_text(helpful_classes(task), " or ")
    return f"{task_title(task)} needs {needs}{f', and can use {helps}' if helps else ''}."


def figure_title(name: str) -> str:
    """The title of a figure."""
    return FIGURES.get(name, name)
