"""Pages that keep themselves up to date, and leave reader and server in peace."""

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from outbox.models import Message
from tests.pricing.shop import edit, schedule

Asked = Callable[[], int]
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def page(desk: Callable[..., Page]) -> Page:
    """A product's page, on which time passes only when a test says so."""
    page = desk()
    page.goto("/products/?search=BOOK")
    page.clock.install()
    page.get_by_role("link", name="BOOK", exact=True).click()
    page.wait_for_load_state()
    return page


@pytest.fixture
def asked(page: Page) -> Asked:
    """How often the page has asked the server since the last call."""
    requests: list[Request] = []
    page.on("request", lambda request: "hx-request" in request.headers and requests.append(request))

    def count() -> int:
        page.wait_for_load_state("networkidle")
        seen = len(requests)
        requests.clear()
        return seen

    return count


def let_pass(page: Page, seconds: int) -> None:
    """Let time pass in steps, so that each answer can arrive before the next question."""
    for _ in range(seconds * 2):
        page.clock.run_for(500)


def test_it_asks_less_when_nobody_looks_nothing_when_told_so_and_says_when_nobody_answers(
    page: Page, asked: Asked, complaints: list[str]
) -> None:
    let_pass(page, 15)
    assert 2 <= asked() <= 11  # a second and a half after each answer, however long that takes

    page.evaluate(HIDE, True)
    asked()
    let_pass(page, 60)
    assert asked() <= 3
    page.evaluate(HIDE, False)
    assert asked() == 1  # at once

    page.get_by_role("button", name="Live").click()
    expect(page.get_by_role("button", name="Paused")).to_be_visible()
    asked()
    let_pass(page, 20)
    assert asked() == 0
    page.get_by_role("button", name="Paused").click()
    assert asked() == 1

    page.route("**/products/*/", lambda route: route.abort())
    let_pass(page, 4)
    expect(page.get_by_role("button", name="Reconnecting")).to_be_visible()
    asked()
    let_pass(page, 30)
    assert asked() <= 5  # less and less
    page.unroute_all()
    let_pass(page, 30)
    expect(page.get_by_role("button", name="Live")).to_be_visible()
    complaints.clear()


def test_an_answer_that_changes_nothing_touches_nothing_and_one_that_does_arrives(
    page: Page, in_another_thread: Callable[..., object]
) -> None:
    let_pass(page, 5)
    page.evaluate("document.querySelector('#product').mark = 'the same element'")
    let_pass(page, 5)
    assert page.evaluate("document.querySelector('#product').mark") == "the same element"

    in_another_thread(edit, price="7.25")
    let_pass(page, 3)
    expect(page.locator(".figure").first).to_contain_text("7.25")


@pytest.fixture
def message_page(desk: Callable[..., Page], in_another_thread: Callable[..., object]) -> Page:
    """A waiting message's page, on which time passes only when a test says so."""
    in_another_thread(schedule, starts_at="2090-01-01T00:00Z")
    page = desk()
    page.goto("/operations/messages/")
    page.clock.install()
    page.locator("#rows").get_by_role("link").first.click()
    page.wait_for_load_state()
    return page


def test_what_is_being_typed_stays_when_the_page_around_it_changes(
    message_page: Page, in_another_thread: Callable[..., object]
) -> None:
    page = message_page
    reason = page.get_by_label("Reason")
    reason.fill("The customer has ask")
    in_another_thread(lambda: Message.objects.update(last_error="Something new"))
    let_pass(page, 3)
    expect(page.locator(".state")).to_contain_text("Something new")
    reason.press_sequentially("ed for it")
    expect(reason).to_have_value("The customer has asked for it")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".toast")).to_contain_text("1 were cancelled.")


def test_a_changed_status_is_told_to_screen_readers_by_a_region_that_stays(
    message_page: Page, in_another_thread: Callable[..., object]
) -> None:
    page = message_page
    told = page.locator("#announcer[role=status]")
    told.evaluate("(region) => { region.mark = 'the same element' }")
    in_another_thread(lambda: Message.objects.update(last_error="Something new"))
    let_pass(page, 3)
    expect(page.locator(".state")).to_contain_text("Something new")
    expect(told).to_have_text("")  # it is pending as before
    dead = {"state": "dead", "finished_at": timezone.now()}
    in_another_thread(lambda: Message.objects.update(**dead))
    let_pass(page, 3)
    expect(told).to_have_text(re.compile("^dead .* Something new$"))
    assert told.evaluate("(region) => region.mark") == "the same element"
