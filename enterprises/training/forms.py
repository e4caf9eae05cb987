"""The form of a new training job. It checks shape only; ``plans`` says what can be followed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms

from enterprises.training.plans import DEFAULTS, NON_FIELD
from enterprises.training.words import classes_hint, family_title, task_title
from fedlearn.learners import plan_check as limits
from fedlearn.learners.families import FAMILIES
from fedlearn.learners.plan import SECAGG_MODES
from fedlearn.learners.templates import TEMPLATES
from fedlearn.protocol.strategy import STRATEGIES

GATHER = (
    (60, "One minute"),
    (600, "Ten minutes"),
    (3600, "One hour"),
    (86_400, "One day"),
    (604_800, "One week"),
)
INTERVALS = ((0, "Never"), (86_400, "Every day"), (604_800, "Every week"), (2_592_000, "Every 30 days"))
STRATEGY_TITLES = {"fedavg": "Plain mean (FedAvg)", "fedprox": "Kept close (FedProx)", "fedadam": "Adaptive (FedAdam)"}
MODE_TITLES = {"honest-but-curious": "Honest but curious server", "malicious": "Malicious server"}


def _number(label: str, name: str, low: int, high: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=low, max_value=high, initial=DEFAULTS[name], help_text=help_text)


def _decimal(label: str, name: str, high: str, help_text: str = "", required: bool = True) -> forms.DecimalField:
    widget = forms.NumberInput({"step": "any", "inputmode": "decimal"})
    return forms.DecimalField(
        label=label,
        min_value=Decimal(0),
        max_value=Decimal(high),
        max_digits=14,
        decimal_places=6,
        initial=DEFAULTS[name] or None,
        help_text=help_text,
        required=required,
        widget=widget,
    )


class TrainingForm(forms.Form):
    """What homes learn, how, with how many of them, how privately, and for how much."""

    GROUPS: ClassVar[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
        ("What", "", ("task", "family", "service", "purpose", "gather_s")),
        ("Homes", "", ("cohort", "minimum", "rounds", "deadline_s", "dropout_percent", "mode")),
        ("Learning at a home", "", ("learning_rate", "epochs", "batch_size", "l2", "hidden", "strategy", "mu")),
        ("Privacy", "", ("clip", "epsilon", "delta", "group_size")),
        ("Money", "", ("reward", "bonus", "budget", "interval_s")),
    )

    task = forms.ChoiceField(choices=[(name, task_title(name)) for name in TEMPLATES], label="Task")
    family = forms.ChoiceField(
        choices=[(name, family_title(name)) for name in FAMILIES],
        initial=DEFAULTS["family"],
        label="Model",
        help_text="Ridge is fitted exactly in one round; the others learn step by step.",
    )
    service = forms.CharField(
        max_length=48,
        label="Service",
        help_text="Under this name homes find the model, for instance tariff-advice.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    purpose = forms.CharField(
        max_length=500,
        label="Purpose",
        help_text="Owners read this before they consent.",
        widget=forms.Textarea({"rows": 2}),
    )
    gather_s = forms.TypedChoiceField(coerce=int, choices=GATHER, initial=3600, label="Homes may answer for")
    cohort = _number("Homes, at most", "cohort", limits.COHORT_MIN, limits.COHORT_MAX)
    minimum = _number(
        "Homes, at least", "minimum", limits.COHORT_MIN, limits.COHORT_MAX,
        "A round with fewer is not opened. From 4 on, a fifth of them is held out to measure the model.",
    )  # fmt: skip
    rounds = _number("Rounds", "rounds", 1, limits.ROUNDS_MAX)
    deadline_s = _number(
        "Seconds for a round", "deadline_s", limits.DEADLINE_MIN_S, limits.DEADLINE_MAX_S,
        "Homes that are slower are left out of it.",
    )  # fmt: skip
    dropout_percent = _number("Homes that may fall silent, %", "dropout_percent", 0, 50)
    mode = forms.ChoiceField(
        choices=[(name, MODE_TITLES[name]) for name in SECAGG_MODES], initial=DEFAULTS["mode"], label="Guards against"
    )
    learning_rate = _decimal("Step size", "learning_rate", "10")
    epochs = _number("Passes over its rows", "epochs", 1, limits.EPOCHS_MAX)
    batch_size = _number("Rows in a batch", "batch_size", 1, limits.BATCH_MAX)
    l2 = _decimal("L2 weight", "l2", "1000")
    hidden = forms.RegexField(
        r"^\s*(\d{1,4}(\s*,\s*\d{1,4}){0,3})?\s*\Z", required=False, label="Hidden layers",
        help_text="Widths, for instance 16, 8. Only for the MLP.",
    )  # fmt: skip
    strategy = forms.ChoiceField(
        choices=[(name, STRATEGY_TITLES[name]) for name in STRATEGIES],
        initial=DEFAULTS["strategy"],
        label="Joining the updates",
    )
    mu = _decimal("FedProx's mu", "mu", "1000")
    clip = _decimal("Clip norm", "clip", "1000000", "No home moves the model by more than this.")
    epsilon = _decimal(
        "Epsilon", "epsilon", "100",
        "Noise bounds what all rounds together tell of a home. Empty: no noise, and only homes that allow it.",
        required=False,
    )  # fmt: skip
    delta = _decimal("Delta", "delta", "1")
    group_size = _number(
        "Homes in a group", "group_size", 0, limits.COHORT_MAX,
        "0: one sum of all. From 8 on, groups are opened apart, and the bonus follows what each added.",
    )  # fmt: skip
    reward = _number(
        "Credits for a home and round, at most", "reward", 0, limits.CREDITS_MAX, "Lots that cost more are not taken."
    )  # fmt: skip
    bonus = _number("Bonus in the end, credits", "bonus", 0, limits.CREDITS_MAX, "Shared among the homes.")
    budget = _number("Budget, credits", "budget", 0, limits.CREDITS_MAX, "Never more is paid than this.")

    interval_s = forms.TypedChoiceField(
        coerce=int, choices=INTERVALS, initial=0, label="Repeat",
        help_text="Each repeat looks for homes and pays by itself, at most the budget, until you end it.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].help_text = " ".join(classes_hint(name) for name in TEMPLATES)

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields by what they are about."""
        return [(title, [self[name] for name in names]) for title, _, names in self.GROUPS]

    def clean_hidden(self) -> tuple[int, ...]:
        text = str(self.cleaned_data["hidden"])
        return tuple(int(width) for width in text.split(",")) if text.strip() else ()

    def plan_fields(self) -> dict[str, Any]:
        """What is left for the plan."""
        return {
            name: value for name, value in self.cleaned_data.items() if name not in ("service", "purpose", "gather_s")
        }

    def refused(self, fields: dict[str, list[str]]) -> None:
        """Show what the plan can't have at its fields."""
        for name, said in fields.items():
            self.add_error(None if name == NON_FIELD or name not in self.fields else name, said)
