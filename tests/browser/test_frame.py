"""The frame around every page, in a browser: sign-up, theme, menu on a phone, no errors in the console."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

PHONE = {"width": 390, "height": 844}
PASSWORD = "brass-kettle-92"


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose scripts and content policy must not complain."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    assert complaints == []


def sign_up(page: Page, email: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="For homes").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("form[action$='/logout/'] button")).to_be_attached()


def test_a_theme_is_remembered_and_set_before_the_page_is_painted(page: Page):
    page.emulate_media(color_scheme="light")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.get_by_label("Switch between light and dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_an_owner_signs_up_makes_a_token_and_removes_it_after_a_question(page: Page):
    sign_up(page, "frame-token@example.org")
    page.goto("/accounts/tokens/")
    page.get_by_label("What is it for?").fill("meter")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator(".secret-once")).to_contain_text("usr_")
    page.get_by_role("button", name="Remove").first.click()
    question = page.get_by_role("dialog", name="Remove this token?")
    expect(question).to_be_visible()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    page.get_by_role("button", name="Remove").first.click()
    question.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No tokens yet")).to_be_visible()
    expect(page.locator("[data-toast]")).to_contain_text("The token is gone")


def test_on_a_phone_the_menu_opens_and_closes_and_nothing_is_wider_than_the_screen(page: Page):
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    sign_up(page, "frame-phone@example.org")
    page.goto("/accounts/profile/")
    menu = page.get_by_role("navigation", name="Main menu")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(menu.get_by_role("link", name="Account")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    for path in ("/accounts/profile/", "/accounts/tokens/", "/accounts/2fa/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_times_stand_in_the_readers_zone(page: Page):
    sign_up(page, "frame-time@example.org")
    page.goto("/accounts/tokens/")
    page.get_by_label("What is it for?").fill("clock")
    page.get_by_role("button", name="Make a token").click()
    ends = page.locator("td time[data-time=date]")
    expect(ends).to_have_attribute("title", re.compile("Central European|CET|GMT\\+1"))


def test_a_page_that_is_not_there_says_so_and_leads_on(page: Page):
    page.goto("/no/such/page/")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.get_by_role("link", name="To the front page").click()
    expect(page.get_by_role("heading", name="Your home knows a lot")).to_be_visible()
