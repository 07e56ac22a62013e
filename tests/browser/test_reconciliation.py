"""The button, the run as it goes on, a finding and what a person says to it; on every screen."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from outbox.reconciliation.models import Finding, FindingAct
from pricing.models import Product
from tests.browser.test_every_page import FAULTS, FOLDER, SIZES
from tests.pages.test_reconciliation_pages import reconcile, without_history, wrong_price
from tests.stack import Stack


@pytest.fixture
def broken(shop: None) -> None:
    """A price that can be set back, and one that cannot; and a history of nights."""
    for number in range(6):
        wrong_price("LAMP", *[f"BOOK-{one}" for one in range(number % 4)])
        reconcile()
    wrong_price("BOOK")
    without_history("GHOST")


def test_reconcile_now_and_acknowledge_what_is_left(
    broken: None, stack: Stack, desk: Callable[..., Page], in_another_thread: Callable[..., Any]
) -> None:
    page = desk()
    page.get_by_role("link", name="Reconciliation").click()
    page.get_by_role("button", name="Reconcile now").click()
    expect(page.get_by_text("0 of")).to_be_visible()
    look_at(page, "running", page.url)
    stack.worker(concurrency=1)
    expect(page.locator(".state")).to_contain_text("done")
    expect(page.get_by_text("price set back to 10.00").first).to_be_visible()

    page.get_by_role("link", name="Left", exact=True).click()
    page.get_by_role("link", name="Price is not the last change").click()
    look_at(page, "finding-open", page.url)
    page.get_by_label("Note").fill("Made by hand for a test.")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".timeline")).to_contain_text("by operator")
    act = in_another_thread(FindingAct.objects.get)
    assert act.note == "Made by hand for a test."
    assert in_another_thread(lambda: Product.objects.get(sku="BOOK").price) == 10


def test_its_pages_are_whole(broken: None, desk: Callable[..., Page]) -> None:
    page = desk(reduced_motion="reduce")
    for name, address in {"reconciliation": "/reconciliation/"}.items():
        look_at(page, name, address)


@pytest.fixture(autouse=True)
def after_a_run(broken: None, request: pytest.FixtureRequest) -> None:
    """The pages are looked at with something on them."""
    if "whole" in request.node.name:
        reconcile()
        assert Finding.objects.filter(repaired=False).exists()


def look_at(page: Page, name: str, address: str) -> None:
    """Light and dark, wide and narrow: whole, named, and no wider than the screen."""
    for scheme, (size, viewport) in product(["light", "dark"], SIZES.items()):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(viewport)
        page.goto(address)
        if FOLDER:
            page.screenshot(path=Path(FOLDER) / f"{name}-{scheme}-{size}.png", full_page=True)
        assert page.evaluate(FAULTS) == [], f"{name}, {scheme}, {size}"
    page.set_viewport_size(SIZES["wide"])
