"""Shapes of the REST API of training jobs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from enterprises.training.models import JobPeer, JobStep, TrainingJob
from enterprises.training.plans import DEFAULTS
from enterprises.training.selectors import plan_of
from fedlearn.learners import plan_check as limits
from fedlearn.learners.families import FAMILIES
from fedlearn.learners.plan import SECAGG_MODES
from fedlearn.learners.templates import TEMPLATES
from fedlearn.protocol.strategy import STRATEGIES

DAY_S = 86_400


def _whole(name: str, low: int, high: int, **options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=low, max_value=high, default=DEFAULTS[name], **options)


def _decimal(name: str, high: str, **options: Any) -> serializers.DecimalField:
    """A number with at most six digits after the point."""
    return serializers.DecimalField(
        max_digits=14,
        decimal_places=6,
        min_value=Decimal(0),
        max_value=Decimal(high),
        default=Decimal(DEFAULTS[name]),
        **options,
    )


class TrainingIn(serializers.Serializer[Any]):
    """A job's plan. ``gather_s``: how long homes may answer; ``epsilon`` null: no noise; few homes allow that."""

    service = serializers.CharField(max_length=48)
    purpose = serializers.CharField(max_length=500)
    gather_s = serializers.IntegerField(min_value=10, max_value=30 * DAY_S, default=DAY_S)
    task = serializers.ChoiceField(choices=sorted(TEMPLATES))
    family = serializers.ChoiceField(choices=sorted(FAMILIES), default=DEFAULTS["family"])
    learning_rate = _decimal("learning_rate", "10")
    l2 = _decimal("l2", "1000")
    hidden = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=1024), max_length=4, default=list
    )
    strategy = serializers.ChoiceField(choices=STRATEGIES, default=DEFAULTS["strategy"])
    mu = _decimal("mu", "1000")
    rounds = _whole("rounds", 1, limits.ROUNDS_MAX)
    epochs = _whole("epochs", 1, limits.EPOCHS_MAX)
    batch_size = _whole("batch_size", 1, limits.BATCH_MAX)
    cohort = _whole("cohort", limits.COHORT_MIN, limits.COHORT_MAX)
    minimum = _whole("minimum", limits.COHORT_MIN, limits.COHORT_MAX)
    deadline_s = _whole("deadline_s", limits.DEADLINE_MIN_S, limits.DEADLINE_MAX_S)
    clip = _decimal("clip", "1000000")
    epsilon = serializers.DecimalField(
        max_digits=9, decimal_places=6, min_value=Decimal("0.000001"), max_value=Decimal(100), allow_null=True,
        default=Decimal(DEFAULTS["epsilon"]),
    )  # fmt: skip
    delta = _decimal("delta", "1")
    group_size = _whole("group_size", 0, limits.COHORT_MAX)
    dropout_percent = _whole("dropout_percent", 0, 50)
    mode = serializers.ChoiceField(choices=SECAGG_MODES, default=DEFAULTS["mode"])
    reward = _whole("reward", 0, limits.CREDITS_MAX)
    bonus = _whole("bonus", 0, limits.CREDITS_MAX)
    budget = _whole("budget", 0, limits.CREDITS_MAX)
    interval_s = _whole("interval_s", 0, limits.INTERVAL_MAX_S)


class TrainingConfirmIn(serializers.Serializer[Any]):
    """``total``: the credits that the estimate shows, bonus included."""

    total = serializers.IntegerField(min_value=0)


class TrainingTemplateOut(serializers.Serializer[Any]):
    """A task, the device classes that it needs (one of them at least) and can use besides, and who can learn it."""

    name = serializers.CharField()
    title = serializers.CharField()
    predicts = serializers.CharField()
    unit = serializers.CharField()
    needs = serializers.ListField(child=serializers.CharField())
    helps = serializers.ListField(child=serializers.CharField())
    families = serializers.ListField(child=serializers.CharField())


class TrainingOut(serializers.ModelSerializer[TrainingJob]):
    """``opened``: rounds of training that went well, of ``rounds``; ``answers``: homes that answered."""

    state = serializers.CharField()
    winding = serializers.CharField()
    task = serializers.SerializerMethodField()
    rounds = serializers.SerializerMethodField()
    opened = serializers.IntegerField(default=0)
    answers = serializers.IntegerField(default=0)

    class Meta:
        model = TrainingJob
        fields = (
            "public_id", "service", "purpose", "task", "state", "winding", "reason", "cancel_asked", "rounds", "opened",
            "answers", "version", "created_at", "closes_at", "started_at", "ended_at",
        )  # fmt: skip

    def get_task(self, row: TrainingJob) -> str:
        return plan_of(row).task

    def get_rounds(self, row: TrainingJob) -> int:
        return plan_of(row).rounds


class TrainingAnswerOut(serializers.ModelSerializer[JobPeer]):
    """A home under its pseudonym. ``price``: of the lots that it offers, or whose licences were paid."""

    state = serializers.CharField()
    lots = serializers.SerializerMethodField()
    price = serializers.SerializerMethodField()

    class Meta:
        model = JobPeer
        fields = ("number", "address", "state", "reason", "lots", "price", "mock", "index")

    def get_lots(self, row: JobPeer) -> int:
        return len(row.lots)

    def get_price(self, row: JobPeer) -> int:
        return sum(int(lot.get("price", 0)) for lot in row.lots)


class TrainingStepOut(serializers.ModelSerializer[JobStep]):
    """A round; ``survivors`` are places in the cohort, ``number`` the round's on the ledger or 0."""

    class Meta:
        model = JobStep
        fields = (
            "sequence", "number", "kind", "outcome", "joined", "survivors", "figures", "epsilon_micro", "began_ms",
            "ended_ms", "sent_bytes", "received_bytes", "released",
        )  # fmt: skip


class TrainingEstimateOut(serializers.Serializer[Any]):
    """``seconds`` if all homes answer at once, ``seconds_most`` by the deadlines; ``epsilon`` null without noise."""

    homes = serializers.IntegerField()
    rounds = serializers.IntegerField()
    seconds = serializers.IntegerField()
    seconds_most = serializers.IntegerField()
    bytes_home_round = serializers.IntegerField()
    epsilon = serializers.FloatField(allow_null=True)
    delta = serializers.FloatField(allow_null=True)
    licences = serializers.IntegerField()
    bonus = serializers.IntegerField()
    total = serializers.IntegerField()


class TrainingDryRunOut(serializers.Serializer[Any]):
    """``curve``: the metric after each round on rows that were not learnt from; ``fault``: why it could not be done."""

    homes = serializers.IntegerField(default=0)
    rows = serializers.IntegerField(default=0)
    metric = serializers.CharField(default="")
    curve = serializers.ListField(child=serializers.FloatField(allow_null=True), default=list)
    baseline = serializers.FloatField(allow_null=True, default=None)
    seconds_home_round = serializers.FloatField(default=0.0)
    fault = serializers.CharField(default="", allow_blank=True)


class TrainingDetailOut(TrainingOut):
    """With its plan (hexadecimal), what was estimated and what happened, its rounds, and the version's card."""

    plan = serializers.SerializerMethodField()
    estimate = TrainingEstimateOut()
    dry_run = serializers.SerializerMethodField()
    steps = TrainingStepOut(many=True)

    class Meta(TrainingOut.Meta):
        fields = (  # type: ignore[assignment]
            *TrainingOut.Meta.fields, "plan", "plan_hash", "ledger_job", "total", "starts_at", "deadline_ms",
            "estimate", "dry_run", "happened", "steps", "version_note", "card",
        )  # fmt: skip

    def get_plan(self, row: TrainingJob) -> str:
        return bytes(row.plan).hex()

    def get_dry_run(self, row: TrainingJob) -> dict[str, Any]:
        return dry_run_of(row)


def dry_run_of(row: TrainingJob) -> dict[str, Any]:
    """The dry run as the API shows it; without mocks so far, an empty one."""
    return dict(TrainingDryRunOut({name: value for name, value in row.rehearsal.items() if name != "asked_of"}).data)
