"""The world of the table of access, so that bad input meets things that are there."""

from tests.access.conftest import _django_db_helper, whole_world, world

__all__ = ["_django_db_helper", "whole_world", "world"]
