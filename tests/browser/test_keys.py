"""Keys that are one letter or sign can be switched off, and stay so: WCAG 2.1.4."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.test_race_lab import PAGES


def test_letters_are_switched_off_for_good_and_arrows_are_not(desk: Callable[..., Page]) -> None:
    page = desk()
    expect(page.get_by_role("button", name="Keys")).to_be_hidden()  # here are none
    page.goto("/products/")
    search = page.get_by_role("searchbox")
    page.get_by_role("button", name="Keys: on").click()
    page.keyboard.press("/")
    expect(search).not_to_be_focused()

    page.goto(PAGES["naive"] + "&step=2")
    page.keyboard.press("l")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".stepper .where")).to_have_text("Step 3 of 6")
    expect(page.locator(".lab[data-large]")).to_have_count(0)
    page.get_by_role("button", name="Keys: off").click()
    page.keyboard.press("l")
    expect(page.locator(".lab[data-large]")).to_be_visible()

    page.goto("/products/")
    page.keyboard.press("/")
    expect(search).to_be_focused()
