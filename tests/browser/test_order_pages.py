"""The order pages and the desk, light and dark, wide and narrow: as every other page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from orders.models import SagaStep
from outbox.models import Message
from pricing import services as pricing
from tests.browser.test_every_page import demand_whole
from tests.orders.conftest import sandbox, sandbox_process, silent
from tests.orders.shop import place, step_once, work_off
from tests.sandbox.process import SandboxProcess

__all__ = ["sandbox", "sandbox_process", "silent"]  # fixtures


@pytest.fixture
def addresses(shop: None, silent: None, sandbox: SandboxProcess) -> dict[str, str]:
    """Orders in every state, and what they left at the desk."""
    pricing.set_stock(sku="BOOK", on_hand=10)
    shipped = place(email="you@example.org")
    work_off()
    declined = place(payment_method="pm_card_chargeDeclined")
    work_off()
    sandbox.control.force("payments", "refused", operation="capture")
    sandbox.control.force("shipping", "refused", operation="cancel")
    stuck = place()
    work_off()
    going = place()
    work_off(until=lambda: SagaStep.objects.filter(name="ship", state="done").count() == 2)
    step_once()
    dead = Message.objects.get(state="dead")
    return {
        "orders": "/orders/",
        "no-orders": "/orders/?search=zebra",
        "place": "/orders/new/?sku=BOOK",
        "shipped": f"/orders/{shipped.pk}/",
        "declined": f"/orders/{declined.pk}/",
        "stuck": f"/orders/{stuck.pk}/",
        "going": f"/orders/{going.pk}/",
        "desk": "/dead-letters/",
        "desk-group": "/dead-letters/?handler=orders.run_step",
        "desk-message": f"/dead-letters/{dead.pk}/",
    }


def test_every_page_of_orders_and_desk_is_whole(
    addresses: dict[str, str], desk: Callable[..., Page]
) -> None:
    demand_whole(desk(reduced_motion="reduce"), addresses)
