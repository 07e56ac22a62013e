"""Guards that another one stands behind: each is asked for by itself."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction

from config.embedded.ports import free_port
from orders import calls
from orders.engine import calling, results
from orders.models import Payment, SagaAttempt, SagaRun, SagaStep
from orders.providers import carrier
from orders.steps import payments, stock
from tests.orders.shop import place, step_once, stock_of, stocked
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]


def test_what_is_booked_is_not_booked_again() -> None:
    stocked()
    place()
    run = SagaRun.objects.get()
    for book, after in (
        (stock.reserve, (10, 2)),
        (stock.take, (8, 0)),
        (stock.release, (8, 0)),
        (stock.put_back, (10, 0)),
    ):
        for _ in range(2):
            with transaction.atomic():
                book(run)
            assert stock_of() == after


@pytest.fixture
def frozen(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> SagaAttempt:
    """An attempt whose worker stands still between its commit and its call."""
    stocked()
    place()
    with monkeypatch.context() as patched:
        patched.setattr(calling, "make_call", lambda _: None)
        while not SagaAttempt.objects.exists():
            step_once()
    return SagaAttempt.objects.get()


@pytest.mark.parametrize(("left", "requests"), [("-1 second", 0), ("9 seconds", 0), ("1 hour", 2)])
def test_a_call_begins_only_while_its_lease_has_time_for_it(
    sandbox: SandboxProcess, frozen: SagaAttempt, left: str, requests: int
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_sagaattempt SET lease_until = clock_timestamp() + %s::interval", [left]
        )
    calling.make_call(frozen.pk)
    assert len(sandbox.control.requests("payments")) == requests


@pytest.mark.usefixtures("frozen")
def test_a_lease_that_is_not_over_is_not_settled() -> None:
    results.settle_attempt(attempt_id=str(SagaAttempt.objects.get().pk))
    assert SagaAttempt.objects.get().outcome == "open"
    assert SagaStep.objects.get(name="authorise").state == "calling"


def test_without_time_left_no_request_begins(sandbox: SandboxProcess) -> None:
    with calls.lease(-1), pytest.raises(calls.NotNow, match="no time left"):
        carrier.create(reference="order-1", order="1")
    assert sandbox.control.requests("shipping") == []


def test_a_reference_of_another_order_is_refused(sandbox: SandboxProcess) -> None:
    carrier.create(reference="order-1", order="1")
    assert carrier.create(reference="order-1", order="1")
    with pytest.raises(calls.Refused, match="belongs to"):
        carrier.create(reference="order-1", order="2")


def test_a_request_that_never_left_is_known_not_to_have_happened(
    sandbox: SandboxProcess, settings: Any
) -> None:
    sandbox.control.force("shipping", "reply_lost", operation="create")
    with pytest.raises(calls.Unknown):
        carrier.create(reference="order-1", order="1")
    settings.SHOP = replace(settings.SHOP, carrier_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(calls.NotNow):
        carrier.create(reference="order-2", order="2")


def test_an_intent_that_is_known_is_never_replaced(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    run, payment = SagaRun.objects.get(), Payment.objects.select_related("order").get()
    first = payments._make_intent(run, payment)
    sandbox.control.turn("payments_search_lag_seconds", 60)
    sandbox.control.forget_idempotency_keys()
    assert payments._make_intent(run, payment) == first
    assert Payment.objects.get(order=order).intent == first
