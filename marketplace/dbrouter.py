"""Which database a model lives in.

A model says so itself: ``hearth_db = "market"`` (or home, enterprise) as a class attribute, inherited from an abstract
base. Models of the ledgers stand in several databases and say ``hearth_dbs = ("ledger", "home")``; code that touches
them always names the alias, so the router has no opinion and a forgotten alias meets a missing table. All others live
in ``default``.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Model

DEFAULT = "default"


def aliases_of(model: type[Model]) -> tuple[str, ...]:
    """The aliases in which ``model`` has its table."""
    origin = model._meta.auto_created or model
    several = getattr(origin, "hearth_dbs", None)
    if several:
        return tuple(several)
    return (getattr(origin, "hearth_db", DEFAULT),)


def _only_alias(model: type[Model]) -> str | None:
    aliases = aliases_of(model)
    return aliases[0] if len(aliases) == 1 else None


class HearthRouter:
    """Keeps what homes, the market and enterprises know in databases of their own; no foreign key crosses them."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return _only_alias(model)

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return _only_alias(model)

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        # By way of _meta, since request.user is a lazy stand-in whose type says nothing.
        return set(aliases_of(first._meta.model)) == set(aliases_of(second._meta.model))

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        """Models of a migration's past carry no attributes, so the living class of that name decides.

        An operation without a model (RunPython, RunSQL) names its database by ``hints={"hearth_db": alias}``.
        """
        if model_name is None:
            return db == hints.get("hearth_db", DEFAULT)
        try:
            return db in aliases_of(apps.get_model(app_label, model_name))
        except LookupError:
            return False
