"""Tests: a folder of their own that goes away with the process, nothing outside it, tasks that only queue.

The broker keeps messages in memory and nobody works them off: tests call services and tasks themselves.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "HEARTH_VAR" not in os.environ:
    _var = tempfile.mkdtemp(prefix="hearth-test-")
    _maker = os.getpid()
    os.environ["HEARTH_VAR"] = _var
    # A forked child runs the same hook at its exit; only the process that made the folder removes it.
    atexit.register(lambda: shutil.rmtree(_var, ignore_errors=True) if os.getpid() == _maker else None)
os.environ.setdefault("HEARTH_DEMO", "1")
os.environ.setdefault("HEARTH_ROLES", "home,market,enterprise")

from marketplace.settings.base import *  # noqa: F403
from marketplace.settings.base import DATABASES, HEARTH_VAR, STORAGES

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
for _alias, _config in DATABASES.items():
    if _config["ENGINE"].endswith("sqlite3"):
        # Files, because threads and live servers must see one database; nothing needs to survive a power cut.
        _config["OPTIONS"]["init_command"] = _config["OPTIONS"]["init_command"].replace("NORMAL", "OFF")
        _config["TEST"] = {"NAME": str(HEARTH_VAR / f"test_{_alias}.sqlite3")}

CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.01}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True
