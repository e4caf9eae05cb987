"""The task templates: Hearth's own code that makes features and labels from a home's local readings."""

from __future__ import annotations

from fedlearn.learners.errors import TemplateUnknown
from fedlearn.learners.table import Template
from fedlearn.learners.templates.comfort import COMFORT
from fedlearn.learners.templates.next_hour_load import NEXT_HOUR_LOAD
from fedlearn.learners.templates.occupancy import OCCUPANCY

TEMPLATES: dict[str, Template] = {entry.name: entry for entry in (NEXT_HOUR_LOAD, OCCUPANCY, COMFORT)}


def template(name: str) -> Template:
    """The task template of this name; raises ``TemplateUnknown``."""
    found = TEMPLATES.get(name)
    if found is None:
        raise TemplateUnknown
    return found
