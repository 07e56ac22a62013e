"""Every page, light and dark, wide and narrow: whole, named, and no wider than the screen.

With SCREENSHOTS=folder a picture of each is left there to be looked at.
"""

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.pricing.shop import apply, schedule

FOLDER = os.environ.get("SCREENSHOTS")
SIZES = {"wide": {"width": 1280, "height": 860}, "narrow": {"width": 360, "height": 780}}

#: What a reader who does not see, or has no mouse, would stumble over; asked in the page itself.
FAULTS = """() => {
    const faults = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    const named = (element) => element.getAttribute("aria-label") || element.innerText.trim()
        || element.labels?.length || element.querySelector("img[alt]:not([alt=''])");
    for (const control of all("a, button, select, input:not([type=hidden])")) {
        if (!named(control)) faults.push("no name: " + control.outerHTML.slice(0, 120));
    }
    for (const [what, selector] of [["h1", "h1"], ["main", "main"]]) {
        if (all(selector).length !== 1) faults.push(all(selector).length + " " + what);
    }
    const ids = all("[id]").map((element) => element.id);
    for (const id of new Set(ids)) {
        if (ids.filter((other) => other === id).length > 1) faults.push("twice: #" + id);
    }
    for (const reference of ["aria-labelledby", "aria-describedby", "popovertarget", "for"]) {
        for (const element of all(`[${reference}]`)) {
            for (const id of element.getAttribute(reference).split(" ")) {
                if (!ids.includes(id)) faults.push(reference + " leads nowhere: " + id);
            }
        }
    }
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) faults.push("wider than the screen");
    return faults;
}"""


@pytest.fixture
def addresses(shop: None) -> dict[str, str]:
    """The pages of a shop with something in it, made before there is a browser."""
    applied = apply(schedule(percent="10"))
    category = apply(schedule(sku=None, category="Books", percent="5"))
    waiting = schedule("LAMP", percent="5", starts_at="2090-01-01T00:00Z")
    return {
        "home": "/",
        "products": "/products/",
        "no-products": "/products/?search=zebra",
        "product": f"/products/{applied.product_id}/",
        "edit": f"/products/{applied.product_id}/edit/",
        "reductions": "/reductions/",
        "schedule": "/reductions/new/?sku=BOOK",
        "applied": f"/reductions/{applied.pk}/",
        "category": f"/reductions/{category.pk}/",
        "waiting": f"/reductions/{waiting.pk}/",
    }


def test_every_page_is_whole(addresses: dict[str, str], desk: Callable[..., Page]) -> None:
    demand_whole(desk(reduced_motion="reduce"), addresses)


def demand_whole(page: Page, addresses: dict[str, str]) -> None:
    """Go to each address, on each kind of screen."""
    for scheme, (size, viewport) in product(["light", "dark"], SIZES.items()):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(viewport)
        for name, address in addresses.items():
            page.goto(address)
            if FOLDER:
                page.screenshot(path=Path(FOLDER) / f"{name}-{scheme}-{size}.png", full_page=True)
            assert page.evaluate(FAULTS) == [], f"{name}, {scheme}, {size}"
