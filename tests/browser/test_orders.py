"""What a customer and a person at the desk do: order once, watch, cancel, redrive, discard."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orders.models import Order, SagaStep
from outbox.desk.models import DeskAct
from outbox.models import Message
from pricing import services as pricing
from tests.orders.conftest import sandbox, sandbox_process, silent
from tests.orders.shop import again, place, work_off
from tests.sandbox.process import SandboxProcess

__all__ = ["sandbox", "sandbox_process", "silent"]  # fixtures
pytestmark = pytest.mark.usefixtures("silent", "stocked")

Desk = Callable[..., Page]
Call = Callable[..., Any]


@pytest.fixture
def stocked(shop: None, sandbox: SandboxProcess) -> None:
    """Books to order, made before there is a browser; providers that behave."""
    pricing.set_stock(sku="BOOK", on_hand=10)


@pytest.fixture
def dead(stocked: None, sandbox: SandboxProcess) -> list[Order]:
    """Two orders whose shipments cannot be called back: they wait for a person."""
    sandbox.control.force("payments", "refused", operation="capture", times=2)
    sandbox.control.force("shipping", "refused", operation="cancel", times=2)
    orders = [place(1), place(1)]
    work_off()
    return orders


def press_order(page: Page) -> None:
    page.goto("/orders/new/?sku=BOOK")
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Order and pay").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Order for 20.00")


def test_double_click_back_and_reload_place_one_order(desk: Desk, in_another_thread: Call) -> None:
    page = desk()
    press_order(page)
    placed = page.url
    page.reload()
    page.go_back()
    page.get_by_role("button", name="Order and pay").click()
    expect(page).to_have_url(placed)
    assert in_another_thread(Order.objects.count) == 1


def test_the_saga_is_seen_as_it_goes_and_as_it_is_taken_back(
    desk: Desk, in_another_thread: Call, sandbox: SandboxProcess
) -> None:
    page = desk()
    press_order(page)
    saga = page.get_by_role("img", name="reserve: waiting; authorise: waiting")
    expect(saga).to_be_visible()
    in_another_thread(work_off, until=lambda: SagaStep.objects.get(name="ship").state == "done")
    expect(page.get_by_role("img", name="authorise: done; ship: done; capture:")).to_be_visible()
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator(".state").first).to_contain_text("cancelling cancelled by operator")
    in_another_thread(work_off)
    expect(
        page.get_by_role("img", name="undo authorise: undone; undo ship: undone")
    ).to_be_visible()
    expect(page.locator(".state").first).to_contain_text("cancelled by operator")
    expect(page.locator("[data-live]")).to_have_count(0)  # it has ended: nobody asks any more
    assert sandbox.control.log("shipping") == []


def test_a_refund_and_an_order_that_is_too_late_to_cancel(
    desk: Desk, in_another_thread: Call, sandbox: SandboxProcess
) -> None:
    page = desk()
    press_order(page)
    page.get_by_role("button", name="Cancel…").click()
    in_another_thread(work_off)
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator("#toasts")).to_contain_text("shipped and cannot be cancelled any more")
    page.get_by_role("button", name="Refund…").click()
    page.get_by_label("Reason").fill("broken")
    page.get_by_role("button", name="Refund", exact=True).click()
    expect(page.get_by_role("heading", name="Saga: refund")).to_be_visible()
    in_another_thread(work_off)
    expect(page.get_by_role("img", name="refund: done; restock: done")).to_be_visible()
    assert [one["status"] for one in sandbox.control.log("payments")] == ["refunded"]


def test_the_desk_groups_tells_tries_redrives_and_writes_it_down(
    dead: list[Order], desk: Desk, in_another_thread: Call
) -> None:
    page = desk()
    page.goto("/dead-letters/")
    group = page.get_by_role("table").first.get_by_role("row").nth(1)
    expect(group).to_contain_text("2")
    group.get_by_role("link", name="Story").click()
    expect(page.locator(".timeline")).to_contain_text("Dead")
    page.get_by_role("link", name="Order", exact=True).click()
    expect(
        page.get_by_role("img", name="undo authorise: to be undone; undo ship: needs a person")
    ).to_be_visible()

    page.goto("/dead-letters/")
    group.get_by_role("link").first.click()
    page.get_by_label("Dry run").check()
    page.get_by_label("All 2 that match").check()
    page.get_by_role("button", name="Redrive").click()
    expect(page.locator("#toasts")).to_contain_text("2 would be redriven.")
    assert in_another_thread(Message.objects.filter(state="dead").count) == 2

    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Redrive").click()
    expect(page.locator("#toasts")).to_contain_text("1 were redriven.")
    in_another_thread(work_off)
    assert sorted(in_another_thread(lambda: [again(one).status for one in dead])) == [
        "cancelled",
        "needs_person",
    ]

    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#toasts")).to_contain_text("Discarding needs a reason")
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Reason").fill("settled by telephone")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#toasts")).to_contain_text("1 were discarded.")
    expect(page.get_by_role("heading", name="No dead letters")).to_be_visible()
    row = page.get_by_role("row", name="discard operator")
    expect(row).to_contain_text("settled by telephone")
    assert in_another_thread(DeskAct.objects.count) == 2
