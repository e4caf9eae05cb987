"""What all rows of the home role share: they live in the ``home`` database."""

from __future__ import annotations

from django.db import models


class HomeModel(models.Model):
    """A row of the ``home`` database. Every query and transaction names the alias ``HOME``."""

    hearth_db = "home"

    class Meta:
        abstract = True
        app_label = "households"


HOME = "home"
