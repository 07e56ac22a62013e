"""Cancelling races with charging: one outcome, at whichever moment it comes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from orders import services
from orders.models import Order, SagaRun, SagaStep
from tests.orders.outcomes import outcome_of
from tests.orders.shop import again, place, step_once, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]


def cancel(order: Order) -> bool:
    try:
        services.cancel_order(order_id=order.pk, actor="customer")
    except services.NotCancellable:
        return False
    return True


def test_after_every_single_message_it_is_cancelled_or_too_late(sandbox: SandboxProcess) -> None:
    stocked(on_hand=100)
    ends = []
    for messages in range(12):
        order = place()
        for _ in range(messages):
            step_once()
        accepted = cancel(order)
        work_off()
        ends.append(outcome_of(order, sandbox))
        assert ends[-1] == ("cancelled" if accepted else "shipped")
    assert ends == sorted(ends)  # first it can be cancelled, from some moment on it cannot
    assert set(ends) == {"cancelled", "shipped"}
    assert stock_of()[1] == 0


def test_while_a_call_is_under_way_its_answer_comes_first(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked()
    order = place()
    from orders.steps import payments

    monkeypatch.setattr(payments, "payment_of", _cancelling(payments.payment_of, order))
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"
    assert SagaStep.objects.get(name="authorise").status == "undone"
    assert [one["status"] for one in sandbox.control.log("payments")] == ["canceled"]


def test_many_at_once_against_the_charge(sandbox: SandboxProcess) -> None:
    stocked(on_hand=100)
    order = place()
    work_off(until=lambda: SagaStep.objects.get(name="ship").state == "done")

    def race(number: int) -> bool:
        try:
            return step_once() if number % 2 else cancel(order)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        accepted = list(pool.map(race, range(6)))[::2]
    work_off()
    assert outcome_of(order, sandbox) == ("cancelled" if any(accepted) else "shipped")


def test_what_a_cancelled_order_gave_back_is_not_given_back_again(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    work_off(until=lambda: SagaStep.objects.get(name="ship").state == "done")
    assert cancel(order)
    assert cancel(order)
    work_off()
    assert again(order).reason == "cancelled by customer"
    assert SagaRun.objects.get().state == "compensated"
    names = SagaStep.objects.filter(backwards=True).order_by("finished_at")
    assert [step.name for step in names] == ["ship", "authorise", "reserve"]
    assert stock_of() == (10, 0)


def _cancelling(real: object, order: Order) -> object:
    def payment_of(run: SagaRun) -> object:
        if SagaStep.objects.get(name="authorise").state == "calling":
            cancel(order)
        return real(run)  # type: ignore[operator]

    return payment_of
