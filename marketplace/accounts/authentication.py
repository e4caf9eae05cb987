"""Log-in by ``Authorization: Bearer usr_...``."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from marketplace.accounts.models import ApiToken, User
from marketplace.accounts.selectors import api_token_find
from marketplace.accounts.services import TOKEN_PREFIX, api_token_touch


def bearer_of(request: Request) -> str:
    """The token in the Authorization header, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class TokenAuthentication(BaseAuthentication):
    """Users' tokens. Tokens of other kinds (hubs, organisations) are left to the classes that know them."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        bearer = bearer_of(request)
        if not bearer.startswith(TOKEN_PREFIX):
            return None
        token = api_token_find(bearer)
        if token is None:
            raise AuthenticationFailed("The token is unknown, removed or expired.")
        api_token_touch(token=token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="hearth"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the schema about the token."""

    target_class = "marketplace.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token from POST /api/v1/auth/token."}
