"""Doors that everybody has: landing, sign-up, log-in, the account and its tokens."""

from __future__ import annotations

from tests.access.rules import (
    HUB,
    LOGIN,
    MEMBER,
    OPERATOR,
    ORGANISATION,
    OTHER_MEMBER,
    OTHER_OWNER,
    OUTSIDER,
    OWNER,
    STRANGER,
    Door,
    account_page,
    everybody,
    only_new,
    users,
)  # fmt: skip

SIGNUP = {"email": "not an address", "password1": "x", "password2": "y"}
FIRST_PAGES = {
    OWNER: "/home/", OTHER_OWNER: "/home/", OPERATOR: "/admin/",
    **dict.fromkeys((MEMBER, OTHER_MEMBER, OUTSIDER), "/enterprise/"),
    **dict.fromkeys((STRANGER, HUB, ORGANISATION), LOGIN),
}  # fmt: skip

ACCOUNTS = [
    Door("get", "/", everybody()),
    Door("get", "/start/", FIRST_PAGES),
    Door("get", "/accounts/profile/", account_page()),
    Door("post", "/accounts/profile/", account_page(302), {"time_zone": "Europe/Berlin"}),
    Door("get", "/accounts/tokens/", account_page()),
    Door("post", "/accounts/tokens/", account_page(), {"label": "meter", "days": 30}),
    # Another user's token is not there to be removed; that nothing was removed is checked beside the table.
    Door("post", "/accounts/tokens/{token}/remove/", account_page(302)),
    Door("get", "/accounts/signup/", everybody()),
    Door("get", "/accounts/signup/home/", only_new()),
    Door("post", "/accounts/signup/home/", only_new(), SIGNUP),
    Door("get", "/accounts/signup/enterprise/", only_new()),
    Door("post", "/accounts/signup/enterprise/", only_new(), SIGNUP),
    Door("post", "/api/v1/auth/token", everybody(400), {"email": "nobody"}),
    # The bearer's own token goes, and only that; the strangers have none.
    Door("delete", "/api/v1/auth/token", users(204)),
    Door("get", "/api/v1/auth/me", users(200)),
]
