"""Writes of accounts: users and API tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.accounts.models import ApiToken, Kind, User
from marketplace.common.errors import Conflict, InputError

TOKEN_PREFIX = "usr_"  # noqa: S105  the public prefix, not a token
TOKENS_PER_USER = 20
DEFAULT_TOKEN_LIFE = timedelta(days=90)
_USED_AT_STEP = timedelta(minutes=1)  # last_used_at is written at most once in this time


class EmailTaken(Conflict):
    code = "email_taken"
    title = "There is an account with this e-mail address"
    hint = "Log in, or reset the password if it is lost."


class PasswordTooWeak(InputError):
    code = "password_too_weak"
    title = "The password is too easy to guess"


class TooManyTokens(Conflict):
    code = "too_many_tokens"
    title = "This account has as many tokens as it may"
    hint = "Remove one that is no longer used."


def user_create(*, email: str, password: str, kind: Kind | str, check_password: bool = True) -> User:
    """Make a user who can log in; operators also get into the console.

    Raises:
        PasswordTooWeak, EmailTaken
    """
    kind = Kind(kind)
    if check_password:
        try:
            validate_password(password, User(email=email))
        except ValidationError as error:
            raise PasswordTooWeak(" ".join(error.messages)) from None
    try:
        with transaction.atomic(using="default"):
            return User.objects.create_user(email, password, kind=kind, is_staff=kind == Kind.OPERATOR)
    except IntegrityError:
        raise EmailTaken() from None


def token_digest(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so a plain hash is as good as a slow one."""
    return hashlib.sha256(token.encode()).hexdigest()


def api_token_create(*, user: User, label: str, life: timedelta = DEFAULT_TOKEN_LIFE) -> tuple[ApiToken, str]:
    """Make a token; the second value is the token itself, which is kept nowhere.

    Raises:
        TooManyTokens
    """
    now = timezone.now()
    ApiToken.objects.filter(user=user, expires_at__lt=now).delete()
    if ApiToken.objects.filter(user=user).count() >= TOKENS_PER_USER:
        raise TooManyTokens()
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user, label=label, digest=token_digest(token), hint=token[:8], expires_at=now + life
    )
    return row, token


def api_token_touch(*, token: ApiToken) -> None:
    """Note that a token was used, at most once a minute."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > _USED_AT_STEP:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def api_token_remove(*, user: User, pk: int) -> bool:
    """Remove one of the user's own tokens; False if there was none."""
    return ApiToken.objects.filter(user=user, pk=pk).delete()[0] > 0


def time_zone_set(*, user: User, time_zone: str) -> None:
    """Show times in this zone; an empty one means the browser's own."""
    User.objects.filter(pk=user.pk).update(time_zone=time_zone)
