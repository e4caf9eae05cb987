"""The words of the table: who calls, and what each kind of door answers to whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

STRANGER, OPERATOR = "stranger", "operator"
OWNER, OTHER_OWNER = "owner", "other_owner"
MEMBER, OTHER_MEMBER, OUTSIDER = "member", "other_member", "outsider"
HUB, ORGANISATION = "hub", "organisation"

# The outsider has an enterprise account and belongs to no enterprise. Hub and organisation bear tokens of the market.
ROLES = (STRANGER, HUB, ORGANISATION, OPERATOR, OUTSIDER, OTHER_OWNER, OTHER_MEMBER, OWNER, MEMBER)
USERS = (OWNER, OTHER_OWNER, MEMBER, OTHER_MEMBER, OUTSIDER, OPERATOR)
TOKENS = (HUB, ORGANISATION)

# A number is a status; a text is the beginning of the address to which the caller is sent.
Answer = int | str
Answers = dict[str, Answer]
LOGIN = "/accounts/login/?next="
REGISTER = "/enterprise/register/"


@dataclass(frozen=True)
class Door:
    """One method of one address. ``path`` and ``body`` name things of the world in braces, as ``{device}``."""

    method: str
    path: str
    answers: Answers
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def everybody(status: Answer = 200) -> Answers:
    """Credentials are not looked at."""
    return dict.fromkeys(ROLES, status)


def only(allowed: Answers) -> Answers:
    """Of the REST API: users' tokens count, those of the market do not; whoever is known and not allowed gets 403."""
    return {**dict.fromkeys(USERS, 403), **dict.fromkeys((STRANGER, *TOKENS), 401), **allowed}


def owners(own: Answer = 200, other: Answer = 200) -> Answers:
    """Both owners have a home; ``other`` is what the second one is told about things of the first."""
    return only({OWNER: own, OTHER_OWNER: other})


def members(own: Answer = 200, other: Answer = 200, outsider: Answer = 403) -> Answers:
    """Both members have an enterprise; ``other`` is what the second one is told about things of the first."""
    return only({MEMBER: own, OTHER_MEMBER: other, OUTSIDER: outsider})


def operators(status: Answer) -> Answers:
    return only({OPERATOR: status})


def participants(allowed: Answers) -> Answers:
    """Of the market: only its own tokens count, so users are strangers there."""
    return {**dict.fromkeys(ROLES, 401), **dict.fromkeys(TOKENS, 403), **allowed}


def users(status: Answer) -> Answers:
    """Every user of the REST API, about himself."""
    return only(dict.fromkeys(USERS, status))


def _page(allowed: Answers) -> Answers:
    return {**dict.fromkeys(ROLES, 403), **dict.fromkeys((STRANGER, *TOKENS), LOGIN), **allowed}


def home_page(own: Answer = 200, other: Answer = 200) -> Answers:
    return _page({OWNER: own, OTHER_OWNER: other})


def enterprise_page(own: Answer = 200, other: Answer = 200, outsider: Answer = REGISTER) -> Answers:
    return _page({MEMBER: own, OTHER_MEMBER: other, OUTSIDER: outsider})


def account_page(status: Answer = 200) -> Answers:
    return _page(dict.fromkeys(USERS, status))


def only_new(status: Answer = 200) -> Answers:
    """Log-in and sign-up: whoever is logged in already is sent on."""
    return {**everybody(status), **dict.fromkeys(USERS, "/start/")}
