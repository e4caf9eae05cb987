"""The journey of consent: from an empty page to a rule in force, and back, on a page that stays live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Browser, Page, expect

from marketplace.demo.client import Api
from marketplace.supervisor import Stack
from tests.browser.people import PASSWORD, log_in
from tests.browser.selling import Selling


def test_an_owner_gives_consent_and_revokes_it(page: Page, selling: Selling):
    log_in(page, selling.email)
    page.get_by_role("link", name="Learning", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing is learnt in your home")).to_be_visible()
    page.get_by_role("link", name="See what it would mean").click()
    give(page)
    rule = page.locator("#rules .consent")
    expect(rule).to_contain_text("In force")
    expect(rule).to_contain_text("used 0 of 0.5")
    expect(page.locator("#history")).to_contain_text("You gave consent")
    rule.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("heading", name="Revoke this consent?")).to_be_visible()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("No further round is learnt under it")).to_be_visible()
    expect(page.locator("#history")).to_contain_text("You revoked a consent")
    page.get_by_text("Rules that are over").click()
    expect(page.locator("#rules .consent").first).to_contain_text("Revoked")


def give(page: Page) -> None:
    """Purpose, kinds of device, limit; without the tick that all was read nothing happens."""
    page.get_by_text("Read the licence").click()
    expect(page.get_by_text("No reading, no row and no key")).to_have_count(2)
    page.get_by_label("Purpose").select_option(label="Comfort in the next hour")
    expect(page.get_by_label("Its address")).to_be_hidden()
    page.get_by_label("Enterprise").select_option(label="One that I name")
    expect(page.get_by_label("Its address")).to_be_visible()
    page.get_by_label("Enterprise").select_option(label="Any accredited enterprise")
    page.get_by_label("Climate sensor").check()
    page.get_by_label("Epsilon, at most").fill("0.5")
    page.get_by_role("button", name="Give consent").click()
    expect(page.get_by_role("heading", name="Give consent")).to_be_visible()
    page.get_by_label("I have read what learning at home means").check()
    page.get_by_role("button", name="Give consent").click()
    expect(page.get_by_text("Consent given")).to_be_visible()


def test_learning_is_switched_off_and_the_open_page_hears_of_a_rule_that_was_given_elsewhere(
    page: Page, stack: Stack, selling: Selling
):
    log_in(page, selling.email)
    page.goto("/home/learning/")
    page.get_by_role("button", name="Switch learning off").click()
    page.get_by_role("dialog", name="Switch learning off?").get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("Whoever asks is told no, whatever the rules below say")).to_be_visible()
    page.get_by_role("button", name="Switch learning on").click()
    expect(page.get_by_role("button", name="Switch learning off")).to_be_visible()
    expect(page.locator("[data-live-dot][data-state=live]").first).to_be_attached()
    with Api(stack.url) as api:
        api.log_in(selling.email, PASSWORD)
        made = api.post("/api/v1/home/learning/rules", body())
    expect(page.locator(f"#rule-{made['id']}")).to_contain_text("In force")
    page.locator(f"#rule-{made['id']}").get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke", exact=True).click()


def body() -> dict[str, Any]:
    soon = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    return {"classes": ["air"], "limit_micro": 1_000_000, "expires_at": soon, "text": "training-1"}


def test_consent_is_given_and_revoked_without_scripts(
    browser: Browser, browser_context_args: dict[str, Any], selling: Selling
):
    with browser.new_context(**browser_context_args, java_script_enabled=False) as context:
        page = context.new_page()
        log_in(page, selling.email)
        page.goto("/home/learning/give/")
        page.get_by_label("Smart plug").check()
        page.get_by_label("I have read what learning at home means").check()
        page.get_by_role("button", name="Give consent").click()
        rule = page.locator("#rules .consent", has_text="Smart plug")
        expect(rule).to_contain_text("In force")
        rule.get_by_role("link", name="Revoke").click()
        page.get_by_role("button", name="Revoke", exact=True).click()
        expect(page.locator("#history")).to_contain_text("You revoked a consent")
