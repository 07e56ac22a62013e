"""Take the README's pictures of a running copy.

    make run                                   # in one terminal, with a fresh ONCEPROOF_HOME
    .venv/bin/python docs/pictures/take.py     # in another, with the same ONCEPROOF_HOME

Signs in as the demo operator, does what people do by the forms that they use, breaks things by the
tour's buttons, and leaves its pictures beside this file. Needs the development requirements and a
Chromium.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, StorageState, ViewportSize, expect, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from config import home  # noqa: E402

Scheme = Literal["light", "dark"]
WIDE = ViewportSize(width=1180, height=780)
TALL = ViewportSize(width=1180, height=1000)
PATIENCE = 60_000
"""Milliseconds: what was killed is started again meanwhile."""


def main() -> None:
    """Take all of them, from the copy that ONCEPROOF_HOME names."""
    here = home.current()
    running = here.running()
    if running is None:
        sys.exit(f"Nothing runs in {here.folder}: start it with `make run`.")
    expect.set_options(timeout=PATIENCE)
    with _signed_in(running.web, (here.folder / "demo-password").read_text()) as (browser, state):
        page = _page(browser, running.web, state, "light", WIDE)
        _break(page, "Kill -9 the main worker")
        _break(page, "Empty the broker")
        page.screenshot(path=HERE / "tour.png")
        _press_twice(page)
        _order(page)
        _race(_page(browser, running.web, state, "dark", TALL))
        operations = _page(browser, running.web, state, "light", TALL)
        operations.goto("/operations/")
        operations.wait_for_load_state("networkidle")
        operations.screenshot(path=HERE / "operations.png")


def _break(page: Page, button: str) -> None:
    """Press one of the tour's buttons, and wait until nothing is open any more."""
    page.goto("/")
    page.get_by_role("button", name=button).click()
    expect(page.locator("#score")).to_contain_text("30 of 30 are finished: 30 changed a price")
    page.locator("#score").scroll_into_view_if_needed()


def _press_twice(page: Page) -> None:
    """The story of a message whose dispatch came twice."""
    page.goto("/")
    page.get_by_role("button", name="Press twice").click()
    expect(page.locator("#score")).to_contain_text("1 of 1 are finished")
    page.get_by_role("link", name="See the messages").click()
    page.locator("#rows a.mono").first.click()
    page.reload()  # a message that is done is not asked for again by itself
    expect(page.locator(".timeline")).to_contain_text("Duplicate refused")
    page.screenshot(path=HERE / "message.png")


def _order(page: Page) -> None:
    """An order that is shipped."""
    page.goto("/orders/new/?sku=DEMO-2")
    page.get_by_role("button", name="Order and pay").click()
    expect(page.locator(".state")).to_contain_text("shipped")
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / "order.png")


def _race(page: Page) -> None:
    """A lost update, at the step at which it is lost."""
    page.goto("/races/")
    page.get_by_role("link", name="Step through it").click()  # and one is where it goes wrong
    page.wait_for_load_state("networkidle")
    page.screenshot(path=HERE / "race.png")


@contextmanager
def _signed_in(address: str, password: str) -> Iterator[tuple[Browser, StorageState]]:
    """Start a browser and sign in once; each page then begins with that state."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.goto("/accounts/sign-in/")
        page.get_by_label("Username").fill("operator")
        page.get_by_label("Password").fill(password.strip())
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        yield browser, context.storage_state()
        browser.close()


def _page(
    browser: Browser, address: str, state: StorageState, scheme: Scheme, size: ViewportSize
) -> Page:
    context = browser.new_context(
        base_url=address, storage_state=state, color_scheme=scheme, viewport=size
    )
    context.set_default_timeout(PATIENCE)
    return context.new_page()


if __name__ == "__main__":
    main()
