"""Reads about who takes part."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from enterprises.errors import OrganisationUnknown
from enterprises.partners.models import Organisation


def organisations(status: str = "") -> QuerySet[Organisation]:
    """All organisations, by name; with ``status`` only those in it."""
    rows = Organisation.objects.order_by("name", "pk")
    return rows.filter(status=status) if status else rows


def organisation(public_id: uuid.UUID) -> Organisation:
    """One organisation; raises ``OrganisationUnknown``."""
    row = Organisation.objects.filter(public_id=public_id).first()
    if row is None:
        raise OrganisationUnknown
    return row
