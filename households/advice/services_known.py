"""The services on the ledger, what their models read, and which of them fit this home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

from chain.contracts.service_models.rows import ServiceRow
from fedlearn.learners.table import Template
from fedlearn.learners.templates import TEMPLATES
from households.advice.errors import ServiceUnknown
from households.advice.port import Models
from households.advice.readings import suits
from households.models import Household
from households.models.advice import title_of
from marketplace.common.errors import NotFound

KEPT_S: Final = 30
_KEY: Final = "hearth:advice:services"


@dataclass(frozen=True, slots=True)
class Known:
    """A service with the task that its models do, and how many enterprises offer one."""

    service: bytes
    name: str
    unit: str
    text: str
    task: str
    models: int
    requests: int

    @property
    def title(self) -> str:
        """Its name for people."""
        return title_of(self.name)


@dataclass(frozen=True, slots=True)
class Fitting:
    """A service as this home sees it; ``missing`` are device classes that it lacks."""

    known: Known
    fits: bool
    missing: tuple[str, ...]


def services_known(models: Models) -> list[Known]:
    """All services that have a model of a known task; looked up again after half a minute."""
    found: list[Known] | None = cache.get(f"{_KEY}:{models.ledger}")
    if found is None:
        found = [known for row in models.services() if (known := _known(models, row)) is not None]
        cache.set(f"{_KEY}:{models.ledger}", found, KEPT_S)
    return found


def services_fitting(household: Household, models: Models) -> list[Fitting]:
    """The services, those that fit the home first."""
    found = [_fitting(household, known) for known in services_known(models)]
    return sorted(found, key=lambda each: (not each.fits, each.known.name))


def service_fitting(household: Household, models: Models, name: str) -> Known:
    """The service of this name if it fits the home; raises ``ServiceUnknown``."""
    for each in services_fitting(household, models):
        if each.known.name == name and each.fits:
            return each.known
    raise ServiceUnknown


def _known(models: Models, row: ServiceRow) -> Known | None:
    offered = models.models_of(row.service)
    tasks: list[str] = []
    for version in offered:
        try:
            tasks.append(models.job(version.job).task)
        except NotFound:
            continue
    task = next((task for task in tasks if task in TEMPLATES), "")
    if not task:
        return None
    same = sum(each == task for each in tasks)
    return Known(row.service, row.name, row.unit, row.template, task, same, row.requests)


def _fitting(household: Household, known: Known) -> Fitting:
    template = TEMPLATES[known.task]
    fits = suits(household, template)
    return Fitting(known, fits, () if fits else _missing(template))


def _missing(template: Template) -> tuple[str, ...]:
    needed = [need.sources[0][0] for need in template.needs if not need.optional]
    return tuple(dict.fromkeys(needed))
