"""How the REST API knows a hub or an organisation: by its market token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from enterprises.partners.models import HubAccount, MarketToken, Organisation
from enterprises.partners.tokens import PREFIXES, token_digest


@dataclass(frozen=True)
class Participant:
    """Who bears a market token: exactly one of a hub's account and an organisation. It stands in for a user."""

    token: MarketToken
    hub: HubAccount | None
    organisation: Organisation | None

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False
    kind = "participant"

    @property
    def owner(self) -> HubAccount | Organisation:
        """The account behind the token."""
        owner = self.hub or self.organisation
        assert owner is not None
        return owner

    @property
    def pk(self) -> str:
        """For throttles; never an account's own number."""
        return f"market-token-{self.token.pk}"


class MarketTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer hub_...`` or ``org_...``; other tokens are left to the other classes."""

    def authenticate(self, request: Request) -> tuple[Participant, MarketToken] | None:
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            return None
        token = parts[1].decode("ascii", "replace")
        if not token.startswith(tuple(PREFIXES.values())):
            return None
        row = (
            MarketToken.objects.select_related("hub", "organisation")
            .filter(digest=token_digest(token), revoked_at__isnull=True)
            .first()
        )
        if row is None:
            raise AuthenticationFailed("The market does not know this token.")
        return Participant(row, row.hub, row.organisation), row

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MarketTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Names the scheme on the OpenAPI page."""

    target_class = MarketTokenAuthentication
    name = "marketToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A hub's or an organisation's token."}


def _participant(request: Request) -> Participant | None:
    caller: object = request.user
    return caller if isinstance(caller, Participant) else None


def caller_of(request: Request) -> Participant:
    """Who calls; only behind ``IsParticipant``, ``IsHub`` or ``IsOrganisation``."""
    participant = _participant(request)
    assert participant is not None
    return participant


def hub_of(request: Request) -> HubAccount:
    """The hub that calls; only behind ``IsHub``."""
    participant = _participant(request)
    assert participant is not None and participant.hub is not None
    return participant.hub


def organisation_of(request: Request) -> Organisation:
    """The organisation that calls; only behind ``IsOrganisation``."""
    participant = _participant(request)
    assert participant is not None and participant.organisation is not None
    return participant.organisation


class IsHub(BasePermission):
    """A hub's token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        participant = _participant(request)
        return participant is not None and participant.hub is not None


class IsOrganisation(BasePermission):
    """An organisation's token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        participant = _participant(request)
        return participant is not None and participant.organisation is not None


class IsParticipant(BasePermission):
    """Any market token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return _participant(request) is not None
