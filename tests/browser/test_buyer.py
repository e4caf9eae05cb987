"""The journey of a buyer: from the front page to rows on the disk and the reward in the owner's wallet."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.people import OPERATOR, PASSWORD, SOON_MS, log_in, sign_up, watch
from tests.browser.selling import PRICE, Selling

ORGANISATION = "Journey Analytics"


def test_an_enterprise_buys_a_lot_and_the_owner_is_paid(
    page: Page, new_context: Callable[[], BrowserContext], selling: Selling, tmp_path: Path
):
    sign_up(page, "enterprises", "journey-buyer@example.org")
    register(page)
    accredit_and_top_up(new_context())
    credits_arrive(page)
    find_a_lot(page)
    buy(page)
    rows_are_there(page, tmp_path)
    the_wallet_tells_of_it(page)
    the_owner_is_paid(new_context(), selling)


def register(page: Page) -> None:
    page.goto("/enterprise/register/")
    page.get_by_label("Name of the organisation").fill(ORGANISATION)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name=ORGANISATION)).to_be_visible()
    expect(page.get_by_text("Wait for accreditation")).to_be_visible()
    expect(page.get_by_text("An operator of the market looks at new organisations")).to_be_visible(timeout=SOON_MS)


def accredit_and_top_up(elsewhere: BrowserContext) -> None:
    """The operator, at another desk, by the console's actions."""
    page = elsewhere.new_page()
    complaints = watch(page)
    log_in(page, *OPERATOR)
    for action, said in (("Accredit for 365 days", "1 accredited"), ("Give 1,000 credits", "1 given 1,000 credits")):
        page.goto("/admin/enterprises/organisation/")
        page.get_by_role("row", name=re.compile(ORGANISATION)).get_by_role("checkbox").check()
        page.locator("select[name=action]").select_option(label=action)
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_text(said)).to_be_visible(timeout=SOON_MS)
    assert complaints == []


def credits_arrive(page: Page) -> None:
    """On the page that the buyer left open, by itself."""
    expect(page.locator("#overview-body")).to_contain_text("1,000", timeout=SOON_MS)
    expect(page.get_by_text("Wait for accreditation")).to_have_count(0)


def find_a_lot(page: Page) -> None:
    page.get_by_role("navigation", name="Main menu").get_by_role("link", name="Catalog").click()
    page.get_by_label("Search the catalog").fill("no such thing at all")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No lot fits")).to_be_visible()
    page.get_by_label("Search the catalog").fill("temperature")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("region", name="Lots").get_by_role("link", name="Temperature", exact=True).click()
    expect(page.get_by_text("Your node has checked these rows")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text(re.compile(r"\d\d\.\d"))
    page.get_by_role("button", name="Add to basket").click()
    expect(page.get_by_role("link", name="In basket")).to_be_visible()


def buy(page: Page) -> None:
    """One confirmation; the page of the order then moves to SETTLED while nobody touches it."""
    page.get_by_role("navigation", name="Main menu").get_by_role("link", name="Basket").click()
    page.get_by_role("button", name="Buy 1 lot").click()
    question = page.get_by_role("dialog", name=f"Buy 1 lot for {PRICE} credits?")
    question.get_by_label("I accept the licence").check()
    question.get_by_role("button", name=f"Pay {PRICE} credits").click()
    expect(page).to_have_url(re.compile(r"/enterprise/orders/[0-9a-f-]{36}/"))
    expect(page.locator("[data-status=settled]").first).to_be_visible(timeout=SOON_MS)
    page.set_viewport_size({"width": 375, "height": 720})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 860})


def rows_are_there(page: Page, folder: Path) -> None:
    """The file has the rows that the page speaks of."""
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    file = folder / "rows.csv"
    started.value.save_as(file)
    header, *rows = list(csv.reader(file.open()))
    assert len(header) == 2 and "temperature" in header[1]
    expect(page.get_by_text(f"{len(rows)} rows, decrypted and checked")).to_be_visible()
    assert all(18 <= float(value) <= 24 for _, value in rows)


def the_wallet_tells_of_it(page: Page) -> None:
    page.get_by_role("navigation", name="Main menu").get_by_role("link", name="Wallet").click()
    expect(page.get_by_text(f"{1000 - PRICE}").first).to_be_visible()
    expect(page.get_by_text("Paid into escrow").first).to_be_visible()


def the_owner_is_paid(elsewhere: BrowserContext, selling: Selling) -> None:
    """The price less the market's fee, on the device's micro-wallet."""
    page = elsewhere.new_page()
    complaints = watch(page)
    log_in(page, selling.email, PASSWORD)
    page.goto("/home/wallet/")
    micro = page.get_by_role("table", name="Micro-wallets").get_by_role("row").nth(1)
    expect(micro.get_by_role("cell").last).to_have_text(f"{PRICE - PRICE // 40}", timeout=SOON_MS)
    expect(page.get_by_text("Reward").first).to_be_visible()
    assert complaints == []
