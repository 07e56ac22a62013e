"""A real browser on the pages, served by this process: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.accounts.people import PASSWORD, make_user
from tests.pricing.shop import make_product

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Started without what looks for the network: everything a page needs comes from this machine.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000
"""Milliseconds: the machine may have much else to do."""
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, and say why, where there is no Chromium."""
    if CHROMIUM is None:
        skip = pytest.mark.skip(reason="no chromium on this machine (apt-get install chromium)")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture
def shop(transactional_db: None) -> None:
    """Two products and an operator with a password, made before there is a browser."""
    make_product("BOOK", "10.00")
    make_product("LAMP", "50.00", category="Light")
    make_user("operator", password=PASSWORD)


@pytest.fixture
def browser(shop: None) -> Iterator[Browser]:
    """A browser that is closed before the test's rows are removed.

    Playwright's loop runs in this thread until then, and Django refuses to use the database where
    one runs: what a test asks the database meanwhile goes through `in_another_thread`.
    """
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def in_another_thread() -> Callable[..., Any]:
    """Call a function where no event loop runs, on a connection of its own."""

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(_and_close, function, *args, **kwargs).result()

    return call


@pytest.fixture
def complaints() -> list[str]:
    """What the pages wrote on the console: refused scripts and styles, missing files, exceptions.

    A test that provokes some takes them out; what is left at its end fails it.
    """
    return []


@pytest.fixture
def desk(
    browser: Browser, live_server: Any, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """Sit down at a fresh browser and sign in."""
    contexts: list[BrowserContext] = []

    def sit_down(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        _sign_in(page)
        return page

    yield sit_down
    for context in contexts:
        context.close()
    assert [said for said in complaints if "status of 4" not in said] == []


def _sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("No job is lost")


def _and_close(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    finally:
        connection.close()
