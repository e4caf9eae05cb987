"""The journey of an owner: from the front page to a lot for sale, with a device that is a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from marketplace.supervisor import Stack
from tests.browser.people import PASSPHRASE, SOON_MS, agents_start, sensor, sign_up


def test_an_owner_sets_up_a_home_and_sells_the_readings_of_a_device(page: Page, stack: Stack, tmp_path: Path):
    sign_up(page, "homes", "journey-owner@example.org")
    words = make_home(page)
    confirm(page, words)
    agree(page)
    let_a_device_in(page, stack, tmp_path)
    readings_move(page)
    share(page)
    look_at_what_would_leave(page)
    upload(page)
    page.get_by_role("link", name="Wallet").click()
    micro = page.get_by_role("table", name="Micro-wallets").get_by_role("row").nth(1)
    expect(micro).to_contain_text("climate-1")
    expect(micro).to_contain_text("addresses used")


def make_home(page: Page) -> list[str]:
    """Place, passphrase; the words, which are on this one page and on no other."""
    expect(page.get_by_role("heading", name="Set up your home")).to_be_visible()
    page.get_by_label("Name of the home").fill("Journey Cottage")
    page.get_by_label("Near").select_option(label="London")
    expect(page.locator("#cell-facts")).to_be_visible()
    page.get_by_label("Passphrase of the wallet").fill(PASSPHRASE)
    page.get_by_label("The passphrase once more").fill(PASSPHRASE)
    page.get_by_role("button", name="Make my home and its wallet").click()
    expect(page.get_by_role("heading", name="Write down these 24 words")).to_be_visible()
    words = page.locator("ol.word-grid li").all_text_contents()
    assert len(words) == 24
    page.get_by_role("link", name="I have written them down").click()
    return words


def confirm(page: Page, words: list[str]) -> None:
    """A wrong word is refused, the right ones open the home; then the words are nowhere."""
    asked = page.get_by_label(re.compile(r"^Word \d+$"))
    expect(asked).to_have_count(3)
    page.goto("/home/start/")
    expect(page.get_by_role("heading", name="Confirm three of the words")).to_be_visible()
    expect(page.locator("ol.word-grid")).to_have_count(0)
    fill_words(page, ["zoo"] * 24)
    expect(page.get_by_text("not those of the wallet")).to_be_visible()
    fill_words(page, words)
    expect(page.get_by_role("heading", name="What sharing means")).to_be_visible()


def fill_words(page: Page, words: list[str]) -> None:
    form = page.locator("form[action='/home/start/confirm/']")
    for field in form.get_by_label(re.compile(r"^Word \d+$")).all():
        label = form.locator(f"label[for='{field.get_attribute('id')}']").inner_text()
        field.fill(words[int(label.split()[1]) - 1])
    form.get_by_label("Passphrase of the wallet").fill(PASSPHRASE)
    form.get_by_role("button", name="Confirm").click()


def agree(page: Page) -> None:
    page.get_by_label("I have read what sharing means").check()
    page.get_by_label("I have read the licence").check()
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_role("heading", name="Devices", exact=True)).to_be_visible()


def let_a_device_in(page: Page, stack: Stack, folder: Path) -> None:
    """A code for the device; the device finds the hub, appears by itself, and is let in with one click."""
    page.get_by_role("button", name="Make a pairing code").click()
    code = page.locator(".pairing").inner_text()
    page.get_by_text("Where does the device connect?").click()
    address = page.locator("p.mono", has_text="/devices").inner_text()
    agents_start(stack, folder / "agents", address, sensor("hall", code))
    inbox = page.locator("#inbox")
    expect(inbox.get_by_role("button", name="Let in")).to_be_visible(timeout=SOON_MS)
    inbox.get_by_role("button", name="Let in").click()
    expect(page.locator("#device-list")).to_contain_text("Online", timeout=SOON_MS)


def readings_move(page: Page) -> None:
    """The newest value changes on the page while nobody touches it."""
    newest = page.locator("#device-list td[data-label=Now]").first
    expect(newest).to_contain_text(re.compile(r"\d"), timeout=SOON_MS)
    shown = newest.inner_text()
    expect(newest).not_to_have_text(shown, timeout=SOON_MS)
    assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


def share(page: Page) -> None:
    page.get_by_role("link", name="Sharing").click()
    rule = page.locator("#climate")
    rule.locator("summary").first.click()
    rule.get_by_label("Share what these devices measure").check()
    rule.locator("input[name=level][value=exact]").check()
    rule.get_by_label("Price of a lot").fill("40")
    rule.get_by_role("button", name="Save this rule").click()
    expect(rule).to_contain_text("Shared")


def look_at_what_would_leave(page: Page) -> None:
    page.get_by_role("link", name="See what would leave").click()
    expect(page.get_by_role("navigation", name="Series of the next batch")).to_contain_text("Would leave")


def upload(page: Page) -> None:
    """Close a batch now and watch it go its way until its lots are for sale."""
    page.get_by_role("link", name="Uploads").click()
    page.get_by_role("button", name="Upload now").click()
    expect(page.get_by_role("heading", name=re.compile(r"Batch \d+"))).to_be_visible()
    lots = page.get_by_role("table", name="Lots of this batch")
    expect(lots.get_by_text("On offer").first).to_be_visible(timeout=SOON_MS)
