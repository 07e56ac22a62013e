"""The tables themselves refuse what goes around the services."""

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Model

from orders.models import (
    Order,
    OrderLine,
    Payment,
    PaymentEntry,
    PaymentKey,
    Refund,
    SagaAttempt,
    SagaRun,
    SagaStep,
    Shipment,
)
from orders.services import place_order
from outbox.ids import uuid7
from tests.orders.shop import place, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent")]

UPDATES: dict[str, tuple[type[Model], dict[str, Any]]] = {
    "order_costs_something": (Order, {"total": 0}),
    "order_has_finish_time_when_finished": (Order, {"status": "shipped"}),
    "order_says_why_it_was_not_shipped": (Order, {"status": "cancelling"}),
    "line_has_a_quantity": (OrderLine, {"quantity": 0}),
    "line_price_never_negative": (OrderLine, {"price": -1}),
    "line_hold_is_known": (OrderLine, {"hold": "lost"}),
    "payment_has_an_amount": (Payment, {"amount": 0}),
    "run_state_is_known": (SagaRun, {"state": "lost", "reason": "lost"}),
    "run_says_why_it_turned_back": (SagaRun, {"state": "compensating"}),
    "step_state_is_known": (SagaStep, {"state": "lost"}),
    "step_has_an_attempt_exactly_while_it_calls": (SagaStep, {"state": "calling"}),
}


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_around_the_services_is_refused(name: str) -> None:
    stocked()
    place()
    model, columns = UPDATES[name]
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        model._default_manager.update(**columns)


def test_a_second_one_around_the_services_is_refused() -> None:
    stocked()
    order = place()
    payment, run = order.payment, SagaRun.objects.get()
    step = run.steps.get(name="ship")
    product = order.lines.get().product
    key = {"payment": payment, "purpose": "capture", "number": 1}
    moved = {"payment": payment, "kind": "held", "amount": 1, "operation_id": order.operation_id}
    call = {"step": step, "backwards": False, "number": 1, "lease_until": order.created_at}
    twice: dict[str, tuple[type[Model], dict[str, Any]]] = {
        "line_once_per_order_and_product": (
            OrderLine,
            {"order": order, "product": product, "quantity": 1, "price": 1},
        ),
        "shipment_once_per_reference": (Shipment, {"reference": order.shipment.reference}),
        "run_once_per_saga_and_order": (
            SagaRun,
            {"saga": "order", "order": order, "operation_id": uuid7()},
        ),
        "step_once_per_run_and_name": (SagaStep, {"run": run, "name": "ship", "position": 9}),
        "step_has_its_own_place": (SagaStep, {"run": run, "name": "other", "position": 1}),
        "attempt_once_per_number": (SagaAttempt, call),
        "payment_key_once_per_number": (PaymentKey, {**key, "key": "a"}),
        "money_moves_once_per_payment_and_kind": (PaymentEntry, moved),
    }
    SagaAttempt.objects.create(**call)
    PaymentKey.objects.create(**key, key="b")
    PaymentEntry.objects.create(**moved)
    other = place()
    Shipment.objects.filter(order=other).delete()
    for name, (model, columns) in twice.items():
        more = {"order": other} if model is Shipment else {}
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            model._default_manager.create(**columns, **more)


def test_half_a_key_a_refund_without_reason_and_rewritten_money_are_refused() -> None:
    stocked()
    order = place()
    named = {"payment": order.payment, "purpose": "capture", "number": 2, "key": "c"}
    with pytest.raises(IntegrityError, match="says_why_it_is_not"), transaction.atomic():
        PaymentKey.objects.create(**named)
    with pytest.raises(IntegrityError, match="refund_says_why"), transaction.atomic():
        Refund.objects.create(order=order, reason="", asked_by="ann")
    entry = PaymentEntry.objects.create(
        payment=order.payment, kind="held", amount=1, operation_id=order.operation_id
    )
    for rewrite in (lambda: PaymentEntry.objects.update(amount=2), entry.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rewrite()


def test_one_key_names_one_order() -> None:
    stocked()
    wanted: dict[str, Any] = {
        "actor": "test",
        "lines": [{"sku": "BOOK", "quantity": 1}],
        "payment_method": "pm_card_visa",
        "key": "mine",
    }
    assert place_order(**wanted) == place_order(**wanted)
    assert Order.objects.count() == 1
