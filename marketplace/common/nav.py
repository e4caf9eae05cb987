"""The menu. Entries whose page this deployment does not have (another role's) are left out."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

Entry = tuple[str, str, str]  # name of the URL, text, icon

MENU: dict[str, tuple[str, tuple[Entry, ...]]] = {
    "owner": (
        "Your home",
        (
            ("households:overview", "Overview", "layout-dashboard"),
            ("households:devices", "Devices", "devices"),
            ("households:data", "Data and preview", "chart-line"),
            ("households:sharing", "Sharing", "adjustments"),
            ("households:uploads", "Uploads", "cloud-upload"),
            ("households:learning", "Learning", "home-heart"),
            ("households:advice", "Advice", "bulb"),
            ("households:wallet", "Wallet", "wallet"),
        ),
    ),
    "enterprise": (
        "Your enterprise",
        (
            ("enterprises:overview", "Overview", "layout-dashboard"),
            ("enterprises:catalog", "Catalog", "building-store"),
            ("enterprises:basket", "Basket", "basket"),
            ("enterprises:orders", "Orders", "receipt"),
            ("enterprises:training", "Training", "home-heart"),
            ("enterprises:offers", "Offers", "tag"),
            ("enterprises:wallet", "Wallet", "wallet"),
            ("enterprises:organisation", "Organisation", "building"),
        ),
    ),
    "operator": ("The market", (("admin:index", "Console", "tool"), ("health", "Health", "activity"))),
}
LIVE_SOCKET = {"owner": "/ws/v1/home/live", "enterprise": "/ws/v1/enterprise/live"}
ROLE_OF_KIND = {"owner": "home", "enterprise": "enterprise"}


@dataclass(frozen=True, slots=True)
class Item:
    text: str
    icon: str
    url: str
    here: bool


def menu_for(kind: str, path: str) -> tuple[str, list[Item]]:
    """Title and entries of the menu for a kind of account; ``here`` marks the one that ``path`` belongs to."""
    title, entries = MENU.get(kind, ("", ()))
    found = [(text, icon, url) for name, text, icon in entries if (url := _url(name))]
    fitting = [url for _, _, url in found if path == url or path.startswith(url.rstrip("/") + "/")]
    here = max(fitting, key=len, default="")
    return title, [Item(text, icon, url, url == here) for text, icon, url in found]


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
