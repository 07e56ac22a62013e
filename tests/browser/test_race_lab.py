"""The race lab as in a talk: see it fail, step through, flip it, see it hold, run it hot.

With SCREENSHOTS=folder a picture of each stage is left there to be looked at.
"""

import os
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.browser.test_every_page import FAULTS, SIZES
from tests.stack import Stack

FOLDER = os.environ.get("SCREENSHOTS")
SHOWN = "?schedule=" + quote("A*1 B*3 A*2")
PAGES = {
    "lab": "/races/",
    "naive": f"/races/one-credit-is-spent-once/read-check-save/{SHOWN}",
    "lock": f"/races/one-credit-is-spent-once/row-lock/{SHOWN}&step=3",
    "beside": f"/races/one-credit-is-spent-once/read-check-save/{SHOWN}&beside=row-lock",
    "large": f"/races/one-credit-is-spent-once/row-lock/{SHOWN}&step=2&view=large",
    "lost": "/races/one-credit-is-spent-once/row-lock/?schedule=C*1",
    "hot": "/races/hot/",
}


def test_a_talk_about_the_credit_race(stack: Stack, desk: Callable[..., Page]) -> None:
    page = desk(reduced_motion="reduce", accept_downloads=True)
    page.get_by_role("link", name="Race lab", exact=True).click()
    page.get_by_role("link", name="One credit is spent once").click()
    outcome = page.locator(".outcome").first
    expect(outcome).to_contain_text("read, check, save breaks: 2 texts sent on 1 credit")
    expect(outcome).to_contain_text("A read races_account at step 1 (credits=1)")
    expect(page.locator(".stepper .where")).to_have_text("Step 5 of 6")
    expect(page.locator(".source .here").first).to_contain_text("account.save()")

    _step_through(page)
    _flip_and_compare(page)
    _keep_a_picture(page)
    _run_hot(page)


def _step_through(page: Page) -> None:
    """By keyboard alone."""
    where = page.locator(".stepper .where")
    page.keyboard.press("Home")
    expect(where).to_have_text("Step 0 of 6")
    for step, said in enumerate(("credits=1", "credits=1", "(1 row)"), start=1):
        page.keyboard.press("ArrowRight")
        expect(where).to_have_text(f"Step {step} of 6")
        expect(page.locator(".detail .result")).to_contain_text(said)
    page.keyboard.press("ArrowLeft")
    expect(where).to_have_text("Step 2 of 6")
    page.keyboard.press("n")
    expect(page.locator(".marks [aria-current]")).to_have_id("mark-2")
    page.go_back()
    expect(page.locator(".marks [aria-current]")).to_have_id("mark-1")


def _flip_and_compare(page: Page) -> None:
    page.goto(PAGES["naive"] + "&step=2")
    page.keyboard.press("f")
    expect(page.locator(".outcome")).to_contain_text("row lock holds here.")
    expect(page.locator(".detail")).to_contain_text("waits for A")
    assert "step=2" in page.url
    page.keyboard.press("b")
    expect(page.locator(".outcome")).to_have_count(2)
    expect(page.locator(".board .waiting")).to_contain_text("waits for A")
    page.keyboard.press("l")
    expect(page.locator(".lab[data-large]")).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator(".lab[data-large]")).to_have_count(0)


def _keep_a_picture(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as SVG").click()
    assert download.value.suggested_filename == "one_credit_is_spent_once-row-lock.svg"


def _run_hot(page: Page) -> None:
    page.get_by_role("link", name="Hot run", exact=True).click()
    page.get_by_label("Workers", exact=True).fill("10000")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".errorlist").first).to_contain_text("from 2 to 50 workers")
    page.get_by_label("Workers", exact=True).fill("8")
    page.get_by_label("Texts wanted", exact=True).fill("60")
    for name in ("Row lock", "Guarded update", "Claimed in batches, as the outbox does"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("running", exact=True)).to_be_visible()
    naive = page.get_by_role("region", name="Read, check, save")
    once = page.get_by_role("region", name="Guarded update, once per job")
    expect(once.locator(".verdict")).to_have_text("adds up", timeout=90_000)
    expect(once).to_contain_text(re.compile(r"counter says\s*40"))
    expect(once).to_contain_text(re.compile(r"ledger says\s*40"))
    expect(naive.locator(".verdict")).not_to_have_text("adds up")
    expect(page.locator("[data-live]")).to_have_count(0)
    if FOLDER:
        page.screenshot(path=Path(FOLDER) / "hot-run.png", full_page=True)


def test_the_lab_is_whole_in_light_and_dark_wide_and_narrow(desk: Callable[..., Page]) -> None:
    page = desk(reduced_motion="reduce")
    for scheme, (size, viewport) in product(["light", "dark"], SIZES.items()):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(viewport)
        for name, address in PAGES.items():
            page.goto(address)
            if FOLDER:
                file = Path(FOLDER) / f"race-{name}-{scheme}-{size}.png"
                page.screenshot(path=file, full_page=True)
            assert page.evaluate(FAULTS) == [], f"{name}, {scheme}, {size}"
