"""A deployment that others can reach: HTTPS only, every secret given, no demo unless it is asked for."""

from __future__ import annotations

from marketplace import env
from marketplace.settings.base import *  # noqa: F403

_HTTPS = env.flag("HEARTH_HTTPS", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("HEARTH_BEHIND_PROXY", False) else None
SECURE_SSL_REDIRECT = _HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _HTTPS else "http"
