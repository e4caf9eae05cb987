"""The Celery application. Tasks only nudge; the work is rows with a state and a lease (marketplace.common.work)."""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import beat_init, worker_ready

from marketplace.common.ready import say_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings.dev")

# Containers commonly run as root; tasks carry JSON only, which is what this warning is about.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("hearth")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def _worker_is_ready(**kwargs: Any) -> None:
    say_ready("worker")


@beat_init.connect
def _beat_is_ready(**kwargs: Any) -> None:
    say_ready("beat")
