"""Whoever writes about an order takes its turn: each of two waits for the other, and then looks."""

from collections.abc import Callable

import pytest

from orders import services
from orders.engine import calling, results, steps
from orders.models import Order, SagaAttempt, SagaRun, SagaStep
from outbox.models import Message
from tests.orders.outcomes import outcome_of
from tests.orders.shop import place, stocked, work_off
from tests.pricing.threads import behind
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]


@pytest.fixture
def order(sandbox: SandboxProcess) -> Order:
    stocked()
    return place()


def cancel(order: Order) -> Callable[[], object]:
    return lambda: services.cancel_order(order_id=order.pk, actor="customer")


def begin(order: Order, step: str) -> Callable[[], object]:
    return lambda: steps.run_step(run_id=str(order.pk), name=step, undo=False)


def on_its_way(order: Order, monkeypatch: pytest.MonkeyPatch) -> SagaAttempt:
    """Shipping has begun, and its call has not been made."""
    reach("ship")
    with monkeypatch.context() as frozen:
        frozen.setattr(calling, "make_call", lambda _: None)
        begin(order, "ship")()
    return SagaAttempt.objects.get(step__name="ship")


def reach(step: str) -> None:
    """Everything before this step has happened."""
    work_off(until=lambda: Message.objects.filter(state="pending", args__step=step).exists())


def test_a_cancel_behind_the_charge_comes_too_late(order: Order, sandbox: SandboxProcess) -> None:
    reach("capture")
    refused = behind(begin(order, "capture"), cancel(order))
    assert isinstance(refused, services.NotCancellable)
    work_off()
    assert outcome_of(order, sandbox) == "shipped"


def test_a_charge_behind_a_cancel_is_not_made(order: Order, sandbox: SandboxProcess) -> None:
    reach("capture")
    behind(cancel(order), begin(order, "capture"))
    assert not SagaAttempt.objects.filter(step__name="capture").exists()
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"


def test_an_answer_behind_a_cancel_is_taken_back(
    order: Order, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = on_its_way(order, monkeypatch)
    behind(cancel(order), lambda: calling.make_call(attempt.pk))
    assert SagaStep.objects.get(name="ship").backwards
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"
    assert SagaStep.objects.get(name="ship").status == "undone"


def test_an_answer_behind_the_end_of_its_lease_is_evidence(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = on_its_way(order, monkeypatch)
    SagaAttempt.objects.filter(pk=attempt.pk).update(lease_until=attempt.started_at)
    behind(
        lambda: results.settle_attempt(attempt_id=str(attempt.pk)),
        lambda: results.record(attempt.pk, results.Outcome.DONE, result=""),
    )
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.late) == ("unknown", "done")
    assert SagaRun.objects.get().state == "running"
