"""A newcomer's first ten minutes on a whole copy, as `make run` starts it, in a real browser.

Sign in, press twice, schedule, watch, kill a worker, flush the broker, look at a race, redrive a
dead letter. With SCREENSHOTS=folder a picture of every page is left there.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.platform.copies import Copy

pytestmark = pytest.mark.xdist_group("supervisor")  # whole copies run one at a time
PATIENCE = 60_000
"""Milliseconds: ten processes start here, beside whatever else the machine does."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    one = Copy(tmp_path_factory.mktemp("newcomer") / "home")
    one.start()
    one.wait_until_ready()
    yield one
    one.discard()


@pytest.fixture
def page(copy: Copy) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            base_url=f"http://127.0.0.1:{copy.port}", viewport={"width": 1280, "height": 860}
        )
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield context.new_page()
        browser.close()


class Camera:
    """Takes a picture of each page, where one asked for pictures."""

    def __init__(self, page: Page, folder: str | None) -> None:
        self._page, self._folder, self._taken = page, folder, 0

    def shoot(self, name: str) -> None:
        """Numbered, so that a folder of them is the walk."""
        self._taken += 1
        if self._folder:
            path = Path(self._folder) / f"walk-{self._taken:02}-{name}.png"
            self._page.screenshot(path=path, full_page=True)


def test_a_newcomers_first_ten_minutes(copy: Copy, page: Page) -> None:
    camera = Camera(page, os.environ.get("SCREENSHOTS"))
    _sign_in(copy, page, camera)
    _press_twice(page, camera)
    _schedule_and_watch(page, camera)
    _break(page, camera, "Kill -9 the main worker", "worker")
    _break(page, camera, "Empty the broker", "broker")
    _race(page, camera)
    _redrive(page, camera)
    _look_around(page, camera)


def _sign_in(copy: Copy, page: Page, camera: Camera) -> None:
    page.goto("/")
    camera.shoot("sign-in")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill((copy.home / "demo-password").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("No job is lost")
    camera.shoot("home")


def _press_twice(page: Page, camera: Camera) -> None:
    page.get_by_role("button", name="Press twice").click()
    score = page.locator("#score")
    expect(score).to_contain_text("both answers name the same reduction")
    expect(score).to_contain_text("1 of 1 are finished: 1 changed a price, 0 changed it twice")
    page.get_by_role("link", name="See the messages").click()
    page.locator("#rows a.mono").first.click()
    expect(page.locator(".timeline")).to_contain_text("Effect: the price changed")
    page.reload()  # a message that is done is not asked for again by itself
    expect(page.locator(".timeline")).to_contain_text("Duplicate refused")
    camera.shoot("message")


def _schedule_and_watch(page: Page, camera: Camera) -> None:
    page.goto("/reductions/new/?sku=DEMO-4")
    page.get_by_label("Reduce by").fill("10")
    camera.shoot("schedule")
    page.get_by_role("button", name="Schedule").dblclick()
    expect(page.get_by_text("Applied", exact=True)).to_be_visible()
    camera.shoot("reduction")


def _break(page: Page, camera: Camera, button: str, name: str) -> None:
    page.goto("/")
    page.get_by_role("button", name=button).click()
    score = page.locator("#score")
    expect(score).to_contain_text("30 reductions were scheduled")
    expect(score).to_contain_text("30 of 30 are finished: 30 changed a price, 0 changed it twice")
    camera.shoot(f"after-{name}")
    page.goto("/operations/")
    expect(page.locator("#handler-pricing\\.apply_reduction")).to_be_visible()
    camera.shoot(f"operations-after-{name}")


def _race(page: Page, camera: Camera) -> None:
    page.goto("/")
    page.get_by_role("link", name="Open the race lab").click()
    camera.shoot("races")
    page.get_by_role("link", name="Step through it").click()
    page.get_by_role("link", name="Step →").click()
    camera.shoot("race")


def _redrive(page: Page, camera: Camera) -> None:
    page.goto("/")
    page.get_by_role("button", name="Make a dead letter").click()
    expect(page.locator(".state")).to_contain_text("dead")
    expect(page.locator(".timeline")).to_contain_text("The bridge is closed")
    camera.shoot("dead")
    page.get_by_role("button", name="Redrive").click()
    expect(page.locator(".state")).to_contain_text(re.compile("done"))
    expect(page.locator(".timeline")).to_contain_text("Redriven")
    camera.shoot("redriven")


def _look_around(page: Page, camera: Camera) -> None:
    """Every page that the menu leads to, inside the shell."""
    found = "found => found.map(one => one.getAttribute('href'))"
    addresses = page.locator("#menu nav a").evaluate_all(found)
    inside = [one for one in addresses if one.startswith("/") and not one.startswith("/api/")]
    assert len(inside) > 8
    for address in inside:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        camera.shoot(address.rstrip("/").rpartition("/")[2].partition("?")[0] or "start")
