"""Templates, static files, content security policy, accounts, REST, the operator's console."""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF

from marketplace import env

_BASE = Path(__file__).resolve().parent.parent.parent
_VAR = Path(env.text("HEARTH_VAR") or _BASE / "var").resolve()

# --- Templates and static files --------------------------------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_BASE / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "marketplace.common.templatetags.hearth",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.common.context.page",
            ],
        },
    }
]
COTTON_DIR = "components"
STATIC_URL = "/static/"
STATIC_ROOT = _VAR / "static"
# Third-party assets are installed by marketplace.assets and never committed.
HEARTH_VENDOR = Path(env.text("HEARTH_VENDOR") or _BASE / "var" / "vendor").resolve()
STATICFILES_DIRS = [_BASE / "static", ("vendor", HEARTH_VENDOR)]

# --- What a page may load --------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF, "ws:", "wss:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "marketplace.common.pages.csrf_failure"

# --- Accounts --------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "marketplace.accounts.hashers.SmallArgon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "start"
ACCOUNT_LOGOUT_REDIRECT_URL = "landing"
ACCOUNT_ADAPTER = "marketplace.accounts.adapter.HearthAccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = env.text("HEARTH_EMAIL_VERIFICATION", "none")
ACCOUNT_SESSION_REMEMBER = True
# Wrong passwords are counted by axes, for the console and the API too; this is only the outer fence.
ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip,30/5m/key"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Hearth] "
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Hearth"
EMAIL_BACKEND = env.text("HEARTH_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.text("HEARTH_EMAIL_FROM", "Hearth <hearth@localhost>")

AXES_FAILURE_LIMIT = env.integer("HEARTH_LOGIN_TRIES", 8, at_least=1)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "marketplace.accounts.views.login_name"
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "marketplace.accounts.views.locked_out"
AXES_VERBOSE = False

# --- REST ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "marketplace.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.common.parsers.Json"],
    "DEFAULT_PAGINATION_CLASS": "marketplace.api.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_RATES": {
        "login": env.text("HEARTH_RATE_LOGIN", "20/min"),
        "market_write": env.text("HEARTH_RATE_MARKET_WRITE", "6000/min"),
    },
    "EXCEPTION_HANDLER": "marketplace.api.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hearth",
    "VERSION": "v1",
    "DESCRIPTION": "Everything that homes, the market and enterprises say to each other. Refusals are RFC 9457 problem "
    "details with a stable `code`.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.api.problems_described",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- The operator's console ------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Hearth console",
    "SITE_HEADER": "Hearth",
    "SITE_SUBHEADER": "Operator's console",
    "SITE_SYMBOL": "fireplace",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{STATIC_URL}img/favicon.svg"}],
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "DASHBOARD_CALLBACK": "marketplace.console.dashboard.dashboard",
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .016 48)", "100": "oklch(94% .035 48)", "200": "oklch(88.5% .07 48)",
            "300": "oklch(80.8% .115 48)", "400": "oklch(72.5% .155 46)", "500": "oklch(66% .17 44)",
            "600": "oklch(58% .165 42)", "700": "oklch(50% .145 41)", "800": "oklch(43% .12 40)",
            "900": "oklch(37% .095 40)", "950": "oklch(26% .065 38)",
        },
    },
}  # fmt: skip
