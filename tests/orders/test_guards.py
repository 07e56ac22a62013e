"""Guards that another one stands behind: each is asked for by itself."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction

from config.embedded.ports import free_port
from orders import calls
from orders.engine import abandoning, calling, compensation, results, turn_back
from orders.models import OrderLine, Payment, PaymentKey, SagaAttempt, SagaRun, SagaStep
from orders.providers import carrier
from orders.services import cancel_order
from orders.steps import payment_keys, payments, stock
from outbox.models import Message
from tests.orders.shop import place, step_once, stock_of, stocked, work_off
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


STRANGE = "un\x00seen \ud800"


@pytest.mark.parametrize("answer", [calls.Refused, calls.NotNow, calls.Barred, calls.Unknown])
def test_an_answer_that_cannot_be_stored_as_it_is_counts_all_the_same(
    frozen: SagaAttempt, monkeypatch: pytest.MonkeyPatch, answer: type[Exception]
) -> None:
    def answering(_: Any) -> Any:
        raise answer(STRANGE)

    monkeypatch.setattr(payments, "payment_of", answering)
    calling.make_call(frozen.pk)
    frozen.refresh_from_db()
    assert (frozen.outcome != "open", frozen.detail) == (True, "unseen \\ud800")
    results.record(frozen.pk, SagaAttempt.Outcome.UNKNOWN, detail=STRANGE)
    frozen.refresh_from_db()
    assert frozen.late == "unknown unseen \\ud800"


@pytest.mark.parametrize("number", [STRANGE, "9" * 101])
def test_a_tracking_number_that_cannot_be_stored_as_it_is_counts_all_the_same(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setattr(carrier, "create", lambda **_: number)
    stocked()
    order = place()
    work_off()
    order.refresh_from_db()
    assert order.status == "shipped"
    assert order.shipment.tracking_number in ("unseen \\ud800", "9" * 100)
    assert SagaAttempt.objects.filter(step__name="ship").count() == 1


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


def test_a_reference_that_was_called_back_ships_nothing(sandbox: SandboxProcess) -> None:
    carrier.cancel(reference="order-1")
    with pytest.raises(calls.Refused, match="cancelled"):
        carrier.create(reference="order-1", order="1")
    assert sandbox.control.log("shipping") == []


def test_lines_that_change_while_their_run_is_held_are_noticed() -> None:
    stocked()
    place()
    run = SagaRun.objects.get()
    with pytest.raises(RuntimeError, match="changed while"), transaction.atomic():
        stock._book(run, "none", "held", lambda _: OrderLine.objects.update(hold="taken"))


def test_what_has_ended_is_not_turned_back(sandbox: SandboxProcess) -> None:
    stocked()
    place(payment_method="pm_card_chargeDeclined")
    work_off()
    run = SagaRun.objects.get()
    assert run.state == "compensated"
    assert not turn_back(run, reason="once more")
    assert SagaRun.objects.get().reason != "once more"


def test_what_was_not_begun_is_not_taken_back(sandbox: SandboxProcess) -> None:
    stocked()
    place(payment_method="pm_card_chargeDeclined")
    work_off()
    assert [step.name for step in SagaStep.objects.filter(backwards=True)] == ["reserve"]
    assert sandbox.control.requests("shipping") == []


@pytest.fixture
def compensating(sandbox: SandboxProcess) -> SagaRun:
    """The way back has begun: the shipment is to be called back, and nothing else yet."""
    stocked()
    place()
    sandbox.control.force("payments", "refused", operation="capture")
    work_off(until=lambda: SagaRun.objects.get().state == "compensating")
    return SagaRun.objects.get()


def test_compensations_go_one_by_one(compensating: SagaRun) -> None:
    messages = Message.objects.count()
    with transaction.atomic():
        compensation.go_back(SagaRun.objects.locked().get(pk=compensating.pk))
    assert Message.objects.count() == messages
    assert [step.name for step in SagaStep.objects.filter(backwards=True)] == ["ship"]


def test_a_dead_message_of_the_way_forward_stops_no_way_back(compensating: SagaRun) -> None:
    args = {"run_id": str(compensating.pk), "step": "ship", "undo": False}
    with transaction.atomic():
        abandoning.abandon_step(args, "dead", "of long ago")
    assert SagaRun.objects.get().state == "compensating"


def test_a_dead_message_of_a_step_that_was_never_begun_stops_no_way_back() -> None:
    stocked()
    order = place()
    step_once()
    cancel_order(order_id=order.pk, actor="customer")
    args = {"run_id": str(order.pk), "step": "authorise", "undo": False}
    with transaction.atomic():
        abandoning.abandon_step(args, "dead", "its workers died")
    assert SagaRun.objects.get().state == "compensating"
    assert SagaStep.objects.get(name="authorise").state == "waiting"


@pytest.mark.parametrize("state", ["discarded", "cancelled"])
def test_a_message_that_a_person_ends_leaves_its_step(compensating: SagaRun, state: str) -> None:
    args = {"run_id": str(compensating.pk), "step": "ship", "undo": True}
    with transaction.atomic():
        abandoning.abandon_step(args, state, "by hand")
    assert SagaStep.objects.get(name="ship").state == "waiting"


def test_a_dead_message_of_a_step_that_is_done_changes_nothing(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    work_off()
    with transaction.atomic():
        args = {"run_id": str(order.pk), "step": "ship", "undo": False}
        abandoning.abandon_step(args, "dead", "of long ago")
    assert SagaRun.objects.get().state == "done"


def test_an_attempt_is_closed_once_and_only_while_its_step_has_it(frozen: SagaAttempt) -> None:
    attempt = SagaAttempt.objects.select_related("step").get()

    def close_again() -> None:
        results._close(attempt, results.Outcome.FAILED, "")
        results._close(attempt, results.Outcome.DONE, "")

    def close_anothers() -> None:
        SagaStep.objects.filter(pk=attempt.step_id).update(attempt=attempt.step.run_id)
        results._close(attempt, results.Outcome.DONE, "")

    for close in (close_again, close_anothers):
        with pytest.raises(RuntimeError, match="superseded"), transaction.atomic():
            close()
    assert SagaAttempt.objects.get().outcome == "open"


def test_the_end_of_a_lease_settles_nothing_that_has_ended(sandbox: SandboxProcess) -> None:
    stocked()
    place()
    work_off()
    SagaAttempt.objects.update(lease_until="2020-01-01T00:00:00Z")
    for attempt in SagaAttempt.objects.all():
        results.settle_attempt(attempt_id=str(attempt.pk))
    assert set(SagaAttempt.objects.values_list("outcome", flat=True)) == {"done"}


def test_a_key_that_was_never_sent_is_not_replaced(sandbox: SandboxProcess) -> None:
    stocked()
    place()
    payment = Payment.objects.get()
    assert not payment_keys.take(payment, "intent").repeated
    for _ in range(2):
        payment_keys.replace(payment, "intent", because="nothing came of it")
    assert sorted(PaymentKey.objects.values_list("number", flat=True)) == [1, 2]
    assert not payment_keys.take(payment, "intent").repeated
    assert payment_keys.take(payment, "intent").repeated


def test_letting_go_of_what_was_taken_gives_it_back_once(sandbox: SandboxProcess) -> None:
    stocked()
    place()
    work_off()
    for _ in range(2):
        moved = payments.let_go(SagaRun.objects.get())
        assert moved == ["held", "captured", "refunded"]
    assert [one["status"] for one in sandbox.control.log("payments")] == ["refunded"]
    asked = [one["operation"] for one in sandbox.control.requests("payments")]
    assert asked.count("refund") == 1
