"""The order's saga, from end to end, with providers that behave."""

import pytest

from orders.models import PaymentEntry, SagaStep, Shipment
from tests.orders.shop import again, place, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("silent"),
]


def test_an_order_is_shipped_and_charged_once(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    work_off()
    assert (again(order).status, again(order).reason) == ("shipped", "")
    assert sandbox.control.log("payments") == [
        {"order": str(order.pk), "amount": 2000, "status": "succeeded"}
    ]
    assert sandbox.control.log("shipping") == [
        {"order": str(order.pk), "reference": f"order-{order.pk}"}
    ]
    assert stock_of() == (8, 0)
    assert [entry.kind for entry in PaymentEntry.objects.all()] == ["held", "captured"]
    steps = SagaStep.objects.order_by("position")
    assert [(step.name, step.status, step.attempts) for step in steps] == [
        (name, "done", 1) for name in ("reserve", "authorise", "ship", "capture", "book_out")
    ]
    assert Shipment.objects.get().tracking_number


def test_a_refused_card_cancels_and_leaves_nothing(sandbox: SandboxProcess) -> None:
    stocked()
    order = place(payment_method="pm_card_chargeDeclined")
    work_off()
    assert again(order).status == "cancelled"
    assert "declined" in again(order).reason
    assert sandbox.control.log("payments") == sandbox.control.log("shipping") == []
    assert stock_of() == (10, 0)


def test_what_is_sold_meanwhile_cancels(sandbox: SandboxProcess) -> None:
    stocked(on_hand=2)
    orders = [place(), place()]
    work_off()
    assert sorted(again(order).status for order in orders) == ["cancelled", "shipped"]
    assert "out of stock: BOOK" in {again(order).reason for order in orders}
    assert stock_of() == (0, 0)
    assert len(sandbox.control.log("payments")) == len(sandbox.control.log("shipping")) == 1
