"""Celery, the channel layer, the cache (all on one Valkey or Redis) and the logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog

from marketplace import env
from marketplace.common.logs import redact

_BASE = Path(__file__).resolve().parent.parent.parent
_VAR = Path(env.text("HEARTH_VAR") or _BASE / "var").resolve()
_DEMO = env.flag("HEARTH_DEMO", False)
_ROLES = env.roles()

# --- Broker, live events, cache --------------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
# Where the supervisor's own Valkey listens; unused when REDIS_URL is set.
HEARTH_VALKEY_SOCKET = env.socket_path("HEARTH_VALKEY_SOCKET", _VAR / "valkey.sock")
if REDIS_URL:
    _BROKER, _LAYER, _CACHE = env.redis_urls(REDIS_URL, 3)
else:
    _BROKER = f"redis+socket://{HEARTH_VALKEY_SOCKET}?virtual_host=0"
    _LAYER, _CACHE = (f"unix://{HEARTH_VALKEY_SOCKET}?db={number}" for number in (1, 2))

CELERY_BROKER_URL = _BROKER
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = "django-db"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # a task is only a nudge: the sweep repeats what a killed worker dropped
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
DJANGO_CELERY_BEAT_TZ_AWARE = True

_SWEEP_S = 2.0
_SWEEPS = {"households.tasks.sweep": {"home"}, "enterprises.tasks.sweep": {"market", "enterprise"}}
# Sweeps that the worker has not taken after two periods are dropped, so that a slow worker is not buried in them.
CELERY_BEAT_SCHEDULE = {
    task.replace(".tasks.", " "): {"task": task, "schedule": _SWEEP_S, "options": {"expires": 2 * _SWEEP_S}}
    for task, roles in _SWEEPS.items()
    if roles & set(_ROLES)
}

CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [_LAYER]}}
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _CACHE}}

# --- Logs ------------------------------------------------------------------------------------------------------------
HEARTH_LOG_LEVEL = env.text("HEARTH_LOG_LEVEL", "INFO").upper()
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    redact,
]
# Plain tracebacks: those that show local variables would write secrets and readings into the log.
_RENDERERS: list[Any] = (
    [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if env.text("HEARTH_LOG_FORMAT", "line") == "json"
    else [
        structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback)
    ]
)
structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "hearth": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _SHARED,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_RENDERERS],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "hearth"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        **{name: {"level": HEARTH_LOG_LEVEL} for name in ("chain", "households", "enterprises", "marketplace")},
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "ERROR"},  # refusals are answers, not faults
        "health_check": {"level": "CRITICAL"},  # the answer says which part is down
        "axes": {"level": "ERROR"},  # its warnings name the address that somebody tried
    },
}
