"""Development and the demo: secrets may be made on the spot, deadlines are seconds, static files come as they are."""

from __future__ import annotations

import os

os.environ.setdefault("HEARTH_DEMO", "1")

from marketplace.settings.base import *  # noqa: F403
from marketplace.settings.base import STORAGES

DEBUG = os.environ.get("HEARTH_DEBUG", "0") == "1"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
