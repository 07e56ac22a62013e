"""What a newcomer does first: search, schedule, watch, cancel, and meet a second editor."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from pricing.models import PriceReduction, Product
from tests.pricing.shop import edit
from tests.stack import Stack

Desk = Callable[..., Page]
Call = Callable[..., Any]


def test_schedule_a_reduction_and_watch_it_being_applied(
    stack: Stack, desk: Desk, in_another_thread: Call
) -> None:
    stack.worker(concurrency=1)
    page = desk(timezone_id="Europe/Berlin")

    page.get_by_role("link", name="Products", exact=True).click()
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("boo")
    expect(page.locator("#content").get_by_text("of 1 products")).to_be_visible()
    assert page.url.endswith("/products/?search=boo")

    page.get_by_role("link", name="BOOK", exact=True).click()
    page.get_by_role("link", name="Reduce its price").click()
    page.get_by_label("Reduce by").fill("10")
    page.get_by_label("Starts at").fill("2030-01-31 09:00")
    expect(page.get_by_text("in Europe/Berlin")).to_contain_text(re.compile("10:00:00"))
    page.get_by_role("button", name="Now").click()
    page.get_by_role("button", name="Schedule").dblclick()

    expect(page.get_by_text("Applied", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="BOOK")).to_contain_text("10.00 9.00")
    expect(page.locator(".timeline")).to_contain_text("attempt 1")
    expect(page.locator("[data-live]")).to_have_count(0)
    assert in_another_thread(PriceReduction.objects.count) == 1


def test_the_second_of_two_editors_chooses(desk: Desk, in_another_thread: Call) -> None:
    page = desk()
    page.goto("/products/?search=BOOK")
    page.get_by_role("link", name="BOOK", exact=True).click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Price").fill("12.00")
    in_another_thread(edit, price="9.00")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Somebody was faster")
    expect(page.get_by_role("radio", name="9.00 as it is now")).to_be_checked()
    page.get_by_role("radio", name="12.00 yours").check()
    page.get_by_role("button", name="Save what is chosen").click()

    expect(page.locator("#toasts")).to_contain_text("BOOK is saved")
    price = in_another_thread(lambda: str(Product.objects.get(sku="BOOK").price))
    assert price == "12.00"


def test_cancel_by_keyboard_on_a_phone_in_the_dark(desk: Desk, in_another_thread: Call) -> None:
    page = desk(color_scheme="dark", viewport={"width": 390, "height": 800})
    page.goto("/reductions/new/?sku=BOOK")
    page.get_by_label("Reduce by").fill("10")
    page.get_by_role("button", name="In an hour").press("Enter")
    page.get_by_role("button", name="Schedule").press("Enter")
    page.get_by_role("button", name="Cancel…").press("Enter")
    page.get_by_role("button", name="Keep it").press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator(".state")).to_contain_text("cancelled by operator")
    page.get_by_role("button", name="Menu").press("Enter")
    expect(page.get_by_role("link", name="Products", exact=True)).to_be_visible()
    assert in_another_thread(lambda: PriceReduction.objects.get().status) == "cancelled"
