"""Reads of accounts."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled
from django.db.models import Q, QuerySet
from django.utils import timezone

from marketplace.accounts.models import ApiToken, User
from marketplace.accounts.services import TOKEN_PREFIX, token_digest


def api_token_find(token: str) -> ApiToken | None:
    """The living token of an active user, or None."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    rows = ApiToken.objects.select_related("user").filter(alive, digest=token_digest(token), user__is_active=True)
    return rows.first()


def api_tokens_of(user: User) -> QuerySet[ApiToken]:
    """The user's tokens, newest first."""
    return ApiToken.objects.filter(user=user)


def user_by_id(user_id: int) -> User | None:
    """An active user, or None. Other apps refer to users by number only."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def has_second_factor(user: User) -> bool:
    """Whether the account asks for more than the password (TOTP or a passkey)."""
    return is_mfa_enabled(user)
