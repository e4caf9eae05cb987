"""Every page of owners, enterprises and strangers: phone and desk, light and dark, by keyboard, in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.browser.people import OPERATOR, log_in, sign_up, watch
from tests.browser.selling import Selling

PHONE, DESK = ViewportSize(width=375, height=720), ViewportSize(width=1280, height=860)
ENOUGH_TABS = 40
PUBLIC = ["/", "/accounts/login/", "/accounts/signup/", "/accounts/signup/home/", "/accounts/signup/enterprise/",
          "/accounts/password/reset/"]  # fmt: skip
ACCOUNT = [
    "/accounts/profile/",
    "/accounts/tokens/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/password/change/",
]
OWNER = ["/home/", "/home/devices/", "/home/devices/{device}/", "/home/data/", "/home/sharing/", "/home/uploads/",
         "/home/uploads/{batch}/", "/home/wallet/", "/home/wallet/{device}/", "/home/wallet/restore/",
         "/home/wallet/recover/", "/home/learning/", "/home/learning/give/", "/home/advice/", "/home/settings/",
         "/home/start/consent/"]  # fmt: skip
ENTERPRISE = ["/enterprise/", "/enterprise/catalog/", "/enterprise/catalog/{lot}/", "/enterprise/basket/",
              "/enterprise/orders/", "/enterprise/training/", "/enterprise/training/new/",
              "/enterprise/training/{job}/", "/enterprise/offers/", "/enterprise/wallet/",
              "/enterprise/organisation/"]  # fmt: skip
OUTSIDE = """() => [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility()).slice(0, 3)
  .map((e) => e.outerHTML.slice(0, 120))"""


def look_at(page: Page, path: str) -> None:
    """Open a page in both sizes and both themes; nothing may stick out to the side on a phone."""
    for size, scheme in ((PHONE, "light"), (DESK, "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        answer = page.goto(path, wait_until="load")
        assert answer is not None and answer.status == 200, (path, answer and answer.status)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        assert page.get_by_role("heading", level=1).count() == 1, path
        fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert fits, (path, size["width"], page.evaluate(OUTSIDE))


def draft_made(page: Page) -> str:
    """Fill in the form of a training job, which has sensible defaults, and give the id of the draft."""
    page.goto("/enterprise/training/new/")
    page.get_by_label("Service", exact=True).fill("tariff-advice")
    page.get_by_label("Purpose", exact=True).fill("Compare tariffs by the load of the next hour.")
    page.get_by_role("button", name="Make a draft").click()
    expect(page.get_by_role("button", name="Look for homes")).to_be_visible()
    return page.url.rstrip("/").rsplit("/", 1)[-1]


@pytest.fixture(scope="module")
def owner_context(selling: Selling, browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    with browser.new_context(**browser_context_args) as context:
        log_in(context.new_page(), selling.email)
        yield context


@pytest.fixture(scope="module")
def member_context(
    selling: Selling, browser: Browser, browser_context_args: dict[str, Any]
) -> Iterator[BrowserContext]:
    with browser.new_context(**browser_context_args) as context:
        page = context.new_page()
        sign_up(page, "enterprises", "pages-member@example.org")
        page.goto("/enterprise/register/")
        page.get_by_label("Name of the organisation").fill("Pages Ltd")
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_role("heading", name="Pages Ltd")).to_be_visible()
        yield context


def test_pages_for_strangers_fit_and_are_silent(page: Page):
    for path in PUBLIC:
        look_at(page, path)


def test_pages_of_an_owner_fit_and_are_silent(owner_context: BrowserContext, selling: Selling):
    page = owner_context.new_page()
    complaints = watch(page)
    page.goto("/home/uploads/")
    batch = page.locator("#batches h2 a").first.get_attribute("href") or ""
    names = {"device": selling.device_id, "batch": batch.rstrip("/").rsplit("/", 1)[-1]}
    for path in (*OWNER, *ACCOUNT):
        look_at(page, path.format(**names))
        assert complaints == [], path


def test_pages_of_an_enterprise_fit_and_are_silent(member_context: BrowserContext):
    page = member_context.new_page()
    complaints = watch(page)
    page.goto("/enterprise/catalog/")
    lot = page.locator(".lot-card h3 a").first.get_attribute("href") or ""
    names = {"lot": lot.rstrip("/").rsplit("/", 1)[-1], "job": draft_made(page)}
    for path in ENTERPRISE:
        look_at(page, path.format(**names))
        assert complaints == [], path


def test_the_console_is_silent(page: Page):
    log_in(page, *OPERATOR)
    for path in ("/admin/", "/admin/enterprises/organisation/", "/admin/accounts/user/"):
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path


def test_the_page_of_the_api_shows_its_calls(new_context: Callable[[], BrowserContext]):
    """Swagger's own page tries to set a style that the content policy does not allow, and does without it.

    It shows of so many calls only those on the screen, and others as one scrolls; so the rest is looked for in the
    document that it reads.
    """
    page = new_context().new_page()
    page.goto("/api/docs/")
    expect(page.get_by_text("/api/v1/auth/me", exact=True).first).to_be_visible()
    assert "/api/v1/market/ledger/head" in page.request.get("/api/schema/").text()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def tab_to(page: Page, text: str) -> None:
    """Press the tabulator until the link with this text has the focus, and shows it."""
    for _ in range(ENOUGH_TABS):
        page.keyboard.press("Tab")
        if focused(page) == text:
            style = "getComputedStyle(document.activeElement)"
            shown = page.evaluate(f"{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'")
            assert shown, f"nobody sees that {text} has the focus"
            return
    raise AssertionError(f"{text} can't be reached by keyboard")


def walk_the_menu(context: BrowserContext, first: str) -> None:
    """Every entry of the main menu is reached and opened from the first page."""
    page = context.new_page()
    complaints = watch(page)
    page.set_viewport_size(DESK)
    page.goto(first)
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    menu = page.get_by_role("navigation", name="Main menu")
    entries = [text.strip() for text in menu.locator("ul").first.get_by_role("link").all_text_contents()]
    assert len(entries) >= 6
    for text in entries:
        page.goto(first)
        tab_to(page, text)
        page.keyboard.press("Enter")
        expect(menu.get_by_role("link", name=text, exact=True)).to_have_attribute("aria-current", "page")
    assert complaints == []


def test_an_owner_walks_the_main_menu_by_keyboard_alone(owner_context: BrowserContext):
    walk_the_menu(owner_context, "/home/")


def test_a_buyer_walks_the_main_menu_by_keyboard_alone(member_context: BrowserContext):
    walk_the_menu(member_context, "/enterprise/")


def test_a_question_is_answered_by_keyboard_alone(owner_context: BrowserContext):
    """The question takes the focus, Escape gives it back to the button that asked."""
    page = owner_context.new_page()
    page.goto("/home/sharing/")
    ask = page.get_by_role("button", name="Withdraw consent")
    ask.focus()
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog", name="Withdraw your consent?")
    expect(question).to_be_visible()
    assert focused(page) == "Cancel"
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(ask).to_be_focused()


def theme_button(page: Page) -> Locator:
    """There is one in the head for phones and one in the menu; one of them is seen."""
    return page.get_by_label("Switch between light and dark").locator("visible=true")


def test_one_page_follows_the_theme_that_was_chosen_on_another(owner_context: BrowserContext):
    page = owner_context.new_page()
    page.emulate_media(color_scheme="light")
    page.goto("/home/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    theme_button(page).click()
    page.goto("/home/wallet/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    theme_button(page).click()
