"""Take the README's pictures of a running copy.

    make run                                   # in one terminal, with a fresh ONCEPROOF_HOME
    .venv/bin/python docs/pictures/take.py     # in another, with the same ONCEPROOF_HOME

Signs in as the demo operator, schedules a few reductions by the forms that people use, and leaves
its pictures beside this file. Needs the development requirements and a Chromium.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, StorageState, ViewportSize, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from config import home  # noqa: E402

Scheme = Literal["light", "dark"]
WIDE = ViewportSize(width=1180, height=760)
NARROW = ViewportSize(width=390, height=760)


def main() -> None:
    """Take all of them, from the copy that ONCEPROOF_HOME names."""
    here = home.current()
    running = here.running()
    if running is None:
        sys.exit(f"Nothing runs in {here.folder}: start it with `make run`.")
    with _signed_in(running.web, (here.folder / "demo-password").read_text()) as (browser, state):
        page = _page(browser, running.web, state, "light", WIDE)
        _schedule(page, "DEMO-1", "10")
        _schedule(page, "DEMO-1", "5", in_an_hour=True)
        _schedule(page, "Kitchen", "12.5", scope="A whole category")
        page.get_by_text("Applied", exact=True).wait_for()
        page.screenshot(path=HERE / "reduction.png")
        dark = _page(browser, running.web, state, "dark", WIDE)
        _shoot(dark, "/products/?search=DEMO-1", "product-dark.png", follow="DEMO-1")
        _shoot(page, "/", "home.png")
        phone = _page(browser, running.web, state, "light", NARROW)
        _shoot(phone, "/reductions/", "phone.png")


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
        page.get_by_label("Password").fill(password)
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
    return context.new_page()


def _schedule(
    page: Page, target: str, percent: str, *, scope: str = "One product", in_an_hour: bool = False
) -> None:
    page.goto("/reductions/new/")
    page.get_by_label(scope).check()
    page.locator("#id_target").fill(target)
    page.get_by_label("Reduce by").fill(percent)
    if in_an_hour:
        page.get_by_role("button", name="In an hour").click()
    page.get_by_role("button", name="Schedule").click()
    page.get_by_role("heading", name="Timeline").wait_for()


def _shoot(page: Page, address: str, name: str, *, follow: str = "") -> None:
    page.goto(address)
    if follow:
        page.get_by_role("link", name=follow, exact=True).click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=HERE / name)


if __name__ == "__main__":
    main()
