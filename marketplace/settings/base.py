"""What holds everywhere. Values come from the environment; dev, test and prod set defaults and override little.

Parts that are long stand beside this file: ``_pages`` (templates, static files, policy, accounts) and ``_work``
(Celery, channel layer, cache, logs).
"""

from __future__ import annotations

from pathlib import Path

from marketplace import env
from marketplace.settings._store import lots_store

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# --- What this deployment is -----------------------------------------------------------------------------------------
HEARTH_DEMO = env.flag("HEARTH_DEMO", False)
HEARTH_ROLES = env.roles()
HEARTH_VAR = Path(env.text("HEARTH_VAR") or BASE_DIR / "var").resolve()
HEARTH_SECRETS_DIR = Path(env.text("HEARTH_SECRETS_DIR") or HEARTH_VAR / "secrets").resolve()
HEARTH_PORT = env.integer("HEARTH_PORT", 8000, at_least=1)
HEARTH_MARKET_URL = env.text("HEARTH_MARKET_URL", f"http://127.0.0.1:{HEARTH_PORT}").rstrip("/")
HEARTH_LEDGER_SOCKET = env.socket_path("HEARTH_LEDGER_SOCKET", HEARTH_VAR / "ledger.sock")

HEARTH_VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
HEARTH_SECRETS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

# --- The shared ledger -----------------------------------------------------------------------------------------------
_SECOND = 1_000
_MINUTE = 60 * _SECOND
# The parameters that go into the genesis of the shared ledger; a ledger that exists keeps those it was made with.
HEARTH_MARKET_PARAMS = {
    "t1_ms": env.integer("HEARTH_T1_MS", 20 * _SECOND if HEARTH_DEMO else 10 * _MINUTE, at_least=1),
    "t1_deliver_ms": env.integer("HEARTH_T1_DELIVER_MS", 8 * _SECOND if HEARTH_DEMO else 2 * _MINUTE, at_least=1),
    "t2_ms": env.integer("HEARTH_T2_MS", 3 * _SECOND if HEARTH_DEMO else 120 * _MINUTE, at_least=1),
    "claim_ms": env.integer("HEARTH_CLAIM_MS", 8 * _SECOND if HEARTH_DEMO else 24 * 60 * _MINUTE, at_least=1),
    "preview_ms": env.integer("HEARTH_PREVIEW_MS", 30 * _SECOND if HEARTH_DEMO else 10 * _MINUTE, at_least=1),
    "preview_chunks": env.integer("HEARTH_PREVIEW_CHUNKS", 8 if HEARTH_DEMO else 2, at_least=1),
    "fee_bps": env.integer("HEARTH_FEE_BPS", 250),
    "max_chunks": env.integer("HEARTH_MAX_CHUNKS", 4096, at_least=32),
}
HEARTH_BATCH_WINDOW_MS = env.integer("HEARTH_BATCH_WINDOW_MS", 10, at_least=1)
HEARTH_EMPTY_BLOCK_MS = env.integer("HEARTH_EMPTY_BLOCK_MS", 300 if HEARTH_DEMO else 5_000, at_least=1)
HEARTH_VERIFY_PROCESSES = env.integer("HEARTH_VERIFY_PROCESSES", 0)
HEARTH_POOL_SIZE = env.integer("HEARTH_POOL_SIZE", 20_000, at_least=1)
# A lot is listed only in a cell that holds at least this many homes.
HEARTH_K_CELL = env.integer("HEARTH_K_CELL", 2 if HEARTH_DEMO else 5, at_least=1)

# --- Django ----------------------------------------------------------------------------------------------------------
SECRET_KEY = env.secret("HEARTH_SECRET_KEY", HEARTH_SECRETS_DIR / "django.key", demo=HEARTH_DEMO)
DEBUG = False
ALLOWED_HOSTS = list(env.words("HEARTH_HOSTS", "127.0.0.1,localhost,[::1]"))
CSRF_TRUSTED_ORIGINS = list(env.words("HEARTH_TRUSTED_ORIGINS"))
ROOT_URLCONF = "marketplace.urls"
ASGI_APPLICATION = "marketplace.asgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django_prometheus",
    "unfold.apps.BasicAppConfig",  # the plain "unfold" would put its own site in the place of ours
    "unfold.contrib.filters",
    "marketplace.console.admin_config.HearthAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    # cotton and partials disable each other's loaders unless both are only registered; see TEMPLATES.
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "health_check",
    "django_celery_beat",
    "django_celery_results",
    "marketplace",  # for its management commands
    "marketplace.common",
    "marketplace.accounts",
    "marketplace.console",
    "marketplace.demo",
    "chain",
    "fedlearn",
    "households",
    "enterprises",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "marketplace.common.middleware.admin_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "marketplace.common.middleware.errors_as_pages",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

# --- Data ------------------------------------------------------------------------------------------------------------
DATABASES = env.databases(HEARTH_VAR, HEARTH_ROLES)
DATABASE_ROUTERS = ["marketplace.dbrouter.HearthRouter"]

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(HEARTH_VAR / "files")},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    # The cloud store: sealed lots, and sealed mail in its folder mail/.
    "lots": lots_store(HEARTH_VAR),
}
# A lot's object has at most max_chunks chunks of 64 KiB; one upload carries one object.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.integer("HEARTH_UPLOAD_MAX_BYTES", 64 * 1024 * 1024, at_least=1)

# --- Language and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

from marketplace.settings._pages import *  # noqa: E402, F403
from marketplace.settings._work import *  # noqa: E402, F403
