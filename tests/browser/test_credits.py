"""The credits pages as a sender meets them: buy, send, watch, pause, cancel, read a story."""

import os
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from credits import services
from credits.models import Campaign, Community, CreditEntry
from sandbox.control import Control
from tests.browser.test_every_page import FAULTS, SIZES
from tests.credits.conftest import running_sandbox, sandbox, texting  # noqa: F401 - fixtures
from tests.credits.world import make_community, phone, start, work
from tests.stack import Stack

Desk = Callable[..., Page]
Call = Callable[..., Any]
FOLDER = os.environ.get("SCREENSHOTS")


@pytest.fixture
def club(shop: None) -> Community:
    """A community of thirty without a credit, made before there is a browser."""
    return make_community(members=30)


@pytest.fixture
def slow_provider(sandbox: Control) -> Iterator[Control]:  # noqa: F811
    """One that takes its time, so that there is something to watch and to stop."""
    sandbox.turn("slow_seconds", 0.25)
    sandbox.misbehave("sms", "slow", 100)
    yield sandbox
    sandbox.reset("sms")


def figure(page: Page, name: str) -> Locator:
    return page.locator(".figure", has=page.get_by_text(name, exact=True)).locator("dd")


def test_buy_send_watch_pause_resume_and_read_a_story(
    club: Community,
    stack: Stack,
    texting: dict[str, str],  # noqa: F811
    slow_provider: Control,
    desk: Desk,
    in_another_thread: Call,
) -> None:
    stack.worker(concurrency=1, environment=texting)
    stack.relay()
    page = desk()
    page.get_by_role("link", name="Communities", exact=True).click()
    page.get_by_role("link", name="The club", exact=True).click()
    page.get_by_label("Credits", exact=True).fill("30")
    page.get_by_role("button", name="Buy").dblclick()
    expect(page.locator("#toasts")).to_contain_text("30 credits are bought")
    assert in_another_thread(CreditEntry.objects.count) == 1

    page.get_by_role("link", name="New campaign").click()
    expect(page.get_by_label("Community")).to_have_value("club")
    page.get_by_label("Text", exact=True).fill("Hello {name}")
    page.get_by_role("button", name="Send").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("To The club")
    expect(figure(page, "Sent")).not_to_have_text("0")  # without a reload
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".state")).to_contain_text("paused")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert in_another_thread(Campaign.objects.count) == 1
    assert in_another_thread(lambda: Campaign.objects.get().texts.waiting().count()) > 0

    slow_provider.reset("sms")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".state")).to_contain_text("finished")
    expect(figure(page, "Sent")).to_have_text("30")
    expect(figure(page, "Credits spent")).to_have_text("30")
    assert len(slow_provider.log("sms")) == 30

    page.get_by_role("link", name="Member 7", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Text to Member 7")
    expect(page.locator(".timeline")).to_contain_text(
        re.compile("Queued.*Sending.*Accepted", re.DOTALL)
    )
    expect(page.locator(".said")).to_have_text("Hello Member 7")


def test_what_is_missing_is_said_and_what_fits_is_held_until_it_is_cancelled(
    club: Community, desk: Desk, in_another_thread: Call
) -> None:
    in_another_thread(services.buy_credits, slug="club", amount=12, actor="test")
    page = desk(color_scheme="dark", viewport={"width": 390, "height": 800})
    page.goto("/campaigns/new/?community=club")
    page.get_by_label("Text", exact=True).fill("Hello {surname}")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_text("unknown field {surname}")).to_be_visible()
    page.get_by_label("Text", exact=True).fill("Hello {name}")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_text("18 credits are missing")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Hello {name}")

    page.get_by_label("Send to as many as they reach").check()
    page.get_by_role("button", name="Send").press("Enter")
    expect(figure(page, "Credits held")).to_have_text("12")
    expect(figure(page, "Skipped")).to_have_text("18")
    page.get_by_role("button", name="Cancel…").press("Enter")
    page.get_by_role("button", name="Keep it").press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".state")).to_contain_text("cancelled")
    expect(figure(page, "Skipped")).to_have_text("30")

    in_another_thread(work, "credits.drive_campaign")
    page.goto("/communities/club/")
    expect(figure(page, "Credits")).to_have_text("12")


@pytest.fixture
def addresses(club: Community, sandbox: Control) -> dict[str, str]:  # noqa: F811
    """Every page of credits, with something of every kind on it."""
    services.buy_credits(slug="club", amount=1_000, actor="operator")
    for number in range(1, 6):
        sandbox.answer_number(phone(number), 21211)
    done = start(text="Dear {name}, the club meets on Friday at seven. Bring a friend, and a book.")
    sandbox.force("sms", "reply_lost", operation="create", times=2)
    work("credits.drive_campaign", "credits.send_text")
    going_on = start(shortfall="send_what_fits", deadline="2090-01-01T00:00:00Z")
    make_community("an-empty-community-with-quite-a-long-name")
    return {
        "communities": "/communities/",
        "community": "/communities/club/",
        "empty-community": "/communities/an-empty-community-with-quite-a-long-name/",
        "new-community": "/communities/new/",
        "members": "/communities/club/members/",
        "campaigns": "/campaigns/",
        "no-campaigns": "/campaigns/?status=expired",
        "new-campaign": "/campaigns/new/?community=club",
        "campaign-done": f"/campaigns/{done.pk}/",
        "campaign-failed": f"/campaigns/{done.pk}/?state=failed",
        "campaign-running": f"/campaigns/{going_on.pk}/",
        "text-failed": f"/texts/{done.texts.filter(state='failed')[0].pk}/",
        "text-unknown": f"/texts/{done.texts.filter(state='unknown')[0].pk}/",
        "text-queued": f"/texts/{going_on.texts.all()[0].pk}/",
    }


def test_every_page_of_credits_is_whole(addresses: dict[str, str], desk: Desk) -> None:
    page = desk(reduced_motion="reduce")
    for scheme, (size, viewport) in product(["light", "dark"], SIZES.items()):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(viewport)
        for name, address in addresses.items():
            page.goto(address)
            if FOLDER:
                page.screenshot(path=Path(FOLDER) / f"{name}-{scheme}-{size}.png", full_page=True)
            assert page.evaluate(FAULTS) == [], f"{name}, {scheme}, {size}"
