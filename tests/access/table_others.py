"""Doors that came with libraries, once each with the rule they follow."""

from __future__ import annotations

# Anybody may open these; the log-in pages send on whoever is logged in.
OPEN = (
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/inactive/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/{key}/",
    "/accounts/login/code/confirm/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/{uidb36}-{key}/",
    "/accounts/password/reset/key/done/",
    "/accounts/2fa/authenticate/",
    "/accounts/2fa/webauthn/login/",
    "/health/",
    "/metrics/",  # from this machine only: tests/marketplace/test_refusals.py
    "/api/schema/",
    "/api/docs/",
)
# Strangers are sent to the log-in; a user sees the own account only, since no address names another.
LOGGED_IN = (
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/password/set/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/recovery-codes/download/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/webauthn/reauthenticate/",
    "/accounts/2fa/webauthn/keys/{pk}/remove/",
    "/accounts/2fa/webauthn/keys/{pk}/edit/",
)
# Everything under /admin/ is for operators. These models may be looked at there, and no others.
CONSOLE_MODELS = {
    "accounts.user", "axes.accessattempt", "axes.accessfailurelog", "axes.accesslog",
    "enterprises.organisation", "enterprises.creditgrant", "enterprises.hubaccount", "enterprises.cataloglot",
    "enterprises.storedobject", "enterprises.cellhome",
    "households.household", "households.batch", "households.uploadschedule",
    "django_celery_beat.periodictask", "django_celery_beat.intervalschedule", "django_celery_beat.crontabschedule",
    "django_celery_beat.clockedschedule", "django_celery_results.taskresult", "django_celery_results.groupresult",
}  # fmt: skip
