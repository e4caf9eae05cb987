"""What a completed job leaves: the model as a file, its card, and the call that makes both a version.

File and card lie in the market's store under their own SHA-256. The ledger names the file's by ``object_id``, the
card's by ``card``, and by ``parameters`` the hash of the parameters themselves, as the last round says it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chain.contracts.service_models.rows import METRICS_MAX, Metric, Publish, version_id_of
from chain.crypto.hashing import sha256
from enterprises.training.leaves import cohort_of
from enterprises.training.models import JobStep, TrainingJob
from fedlearn.learners.card import Card, Figures, card_build, card_encode
from fedlearn.learners.errors import CardInvalid
from fedlearn.learners.families import family
from fedlearn.learners.model_file import Model, ModelHead, model_encode
from fedlearn.learners.scaling import scaler_fixed
from fedlearn.learners.templates import template
from fedlearn.runtime.jobs import JobRecord
from fedlearn.runtime.jobs.evaluation import NORM
from fedlearn.runtime.jobs.terms import FINAL
from fedlearn.runtime.jobs.vector import noise_multiplier
from fedlearn.runtime.rounds import OPENED

HELD_OUT = "held_out_"
BASELINE = "baseline_"
ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Version:
    """A version before it is published: the two objects, and the call."""

    model: bytes
    card: bytes
    card_shown: Card
    call: Publish

    @property
    def id(self) -> bytes:
        return version_id_of(self.call.job, self.call.number, self.call.parameters)


def version_of(job: TrainingJob, record: JobRecord) -> Version:
    """The version that a completed job makes.

    Raises ``CardInvalid`` where no home was held out or heard, or noise hides what they said.
    """
    plan, parameters = record.terms.declared, record.strategy.parameters
    opened = [step for step in JobStep.objects.filter(job=job) if step.outcome == OPENED]
    final = next(step for step in reversed(opened) if step.kind == FINAL)
    homes = {place for step in opened for place in step.survivors}
    parameters_hash = sha256(parameters)
    card = card_build(
        plan,
        parameters_hash,
        rounds=plan.rounds,
        participants=len(homes),
        held_out=_held_out(job, record, final),
        epsilon=final.epsilon_micro / 1e6 if plan.privacy else None,
    )
    shape = family(plan.family).shape(plan)
    head = ModelHead(plan.task, shape, scaler_fixed(len(template(plan.task).features)), job.plan_hash)
    model, data = model_encode(Model(head, record.parameters)), card_encode(card)
    call = Publish(
        job=record.terms.job,
        number=plan.rounds,
        parameters=parameters_hash,
        previous=_previous(job),
        card=sha256(data),
        metrics=_metrics(final),
        object_id=sha256(model),
        size_bytes=len(model),
    )
    return Version(model, data, card, call)


class FiguresDrowned(CardInvalid):
    """The noise that protects the homes is larger than all that the held-out homes could say."""

    code = "figures_lost_in_noise"
    title = "The figures of the held-out homes are lost in the noise"


def _trust_check(record: JobRecord, held_out: int) -> None:
    """Raise ``FiguresDrowned`` where three standard deviations of the noise are more than the homes weigh at most."""
    plan = record.terms.declared
    spread = noise_multiplier(plan) * NORM * math.sqrt(len(record.terms.cohort) / plan.minimum)
    if 3 * spread > held_out:
        raise FiguresDrowned


def _held_out(job: TrainingJob, record: JobRecord, final: JobStep) -> Figures:
    """The figures of the homes that did not train; rows are theirs, or what their licensed lots hold."""
    cohort = cohort_of(job)
    there = [cohort[place] for place in record.terms.held_out if place in final.survivors]
    if record.terms.declared.privacy is not None:
        _trust_check(record, len(there))
    found = {name.removeprefix(HELD_OUT): value for name, value in final.figures.items() if name.startswith(HELD_OUT)}
    rows = found.pop(ROWS, 0) or sum(int(lot["records"]) for peer in there for lot in peer.lots)
    model = {name: value for name, value in found.items() if not name.startswith(BASELINE)}
    usual = {name.removeprefix(BASELINE): value for name, value in found.items() if name.startswith(BASELINE)}
    baselines = {"usual": usual} if usual else {}
    return Figures(homes=len(there), rows=round(rows), model=model, baselines=baselines)


def _metrics(final: JobStep) -> tuple[Metric, ...]:
    """The figures of the last round, those of held-out homes first if there are too many, in the order of names."""
    names = sorted(final.figures, key=lambda name: (not name.startswith(HELD_OUT), name))[: METRICS_MAX - 1]
    figures = {**{name: final.figures[name] for name in names}, "epsilon": final.epsilon_micro / 1e6}
    return tuple(Metric(name, round(figures[name] * 1e6)) for name in sorted(figures))


def _previous(job: TrainingJob) -> bytes:
    """The newest version of the enterprise for the same service, or nothing."""
    mine = TrainingJob.objects.filter(enterprise=job.enterprise_id, service=job.service).exclude(version="")
    newest = mine.exclude(pk=job.pk).order_by("-ended_at").first()
    return bytes.fromhex(newest.version) if newest else b""
