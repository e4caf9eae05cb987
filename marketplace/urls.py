"""Every address of the deployment; those of a role are there only if the role is played here."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from marketplace.accounts import views
from marketplace.accounts.api_urls import urlpatterns as auth_api
from marketplace.accounts.models import Kind
from marketplace.common.health import Health
from marketplace.common.middleware import from_this_machine

PAGES_OF_ROLE = {"home": "households", "enterprise": "enterprises"}
API_OF_ROLE = {
    "home": {"home/": "households.api_urls"},
    "market": {"market/ledger/": "chain.api_urls", "market/": "enterprises.market_urls"},
    "enterprise": {"enterprise/": "enterprises.api_urls"},
}
_ROLES: tuple[str, ...] = settings.HEARTH_ROLES


def _role_pages() -> list[URLResolver]:
    return [path(f"{role}/", include(f"{app}.urls")) for role, app in PAGES_OF_ROLE.items() if role in _ROLES]


def _role_api() -> list[URLResolver]:
    return [
        path(f"api/v1/{prefix}", include(module)) for role in _ROLES for prefix, module in API_OF_ROLE[role].items()
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.landing, name="landing"),
    path("start/", views.start, name="start"),
    path("accounts/profile/", views.profile, name="account_profile"),
    path("accounts/tokens/", views.tokens, name="account_tokens"),
    path("accounts/tokens/<int:pk>/remove/", views.token_remove, name="account_token_remove"),
    path("accounts/signup/", views.signup_choice, name="account_signup"),
    path("accounts/signup/home/", views.SignupFor.as_view(kind=Kind.OWNER), name="signup_home"),
    path("accounts/signup/enterprise/", views.SignupFor.as_view(kind=Kind.ENTERPRISE), name="signup_enterprise"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("health/", Health.as_view(), name="health"),
    path("metrics/", from_this_machine(ExportToDjangoView), name="metrics"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/auth/", include((auth_api, "auth"))),
    *_role_pages(),
    *_role_api(),
]

handler400 = "marketplace.common.pages.bad_request"
handler403 = "marketplace.common.pages.forbidden"
handler404 = "marketplace.common.pages.not_found"
handler500 = "marketplace.common.pages.server_fault"
