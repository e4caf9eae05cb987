"""The model families, by the names that plans use."""

from __future__ import annotations

from fedlearn.learners.errors import FamilyUnknown
from fedlearn.learners.families.base import Family, Shape
from fedlearn.learners.families.mlp import Mlp
from fedlearn.learners.families.ridge import Ridge
from fedlearn.learners.families.sgd import Linear, Logistic

__all__ = ["FAMILIES", "Family", "Shape", "family"]

FAMILIES: dict[str, Family] = {entry.name: entry for entry in (Linear(), Logistic(), Mlp(), Ridge())}


def family(name: str) -> Family:
    """The model family of this name; raises ``FamilyUnknown``."""
    found = FAMILIES.get(name)
    if found is None:
        raise FamilyUnknown
    return found
