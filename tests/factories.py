"""Users for tests, made by the service that makes them in earnest. The password of all is ``PASSWORD``."""

from __future__ import annotations

from itertools import count

from marketplace.accounts import services
from marketplace.accounts.models import Kind, User

PASSWORD = "brass-kettle-92"
_numbers = count(1)


def user(kind: Kind, email: str = "") -> User:
    address = email or f"{kind.value}-{next(_numbers)}@example.org"
    return services.user_create(email=address, password=PASSWORD, kind=kind, check_password=False)


def owner(email: str = "") -> User:
    return user(Kind.OWNER, email)


def member(email: str = "") -> User:
    return user(Kind.ENTERPRISE, email)


def operator(email: str = "") -> User:
    return user(Kind.OPERATOR, email)


def bearer(who: User) -> dict[str, str]:
    """Headers that log ``who`` in to the REST API: ``client.get(url, headers=bearer(user))``."""
    _, token = services.api_token_create(user=who, label="test")
    return {"Authorization": f"Bearer {token}"}
