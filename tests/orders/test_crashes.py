"""Crashes at every point of every step, and every message delivered twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from orders.engine import calling, messages, results
from orders.models import SagaStep
from orders.providers import carrier, stripe_api
from orders.steps import stock
from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.models import Message
from tests.orders.outcomes import outcome_of
from tests.orders.shop import place, step_once, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]


class Killed(BaseException):
    """Stands for SIGKILL inside one process: no handler of exceptions gets to see it."""


POINTS = {
    "before the commit that says calling": (messages, "enqueue_settling", "before"),
    "between that commit and the call": (calling, "_call", "before"),
    "after a request to the payment provider": (stripe_api, "_ask", "after"),
    "after a request to the carrier": (carrier, "_post", "after"),
    "between the call and its result": (results, "record", "before"),
    "before the commit of the result": (results, "go_on", "before"),
    "between the result and its consequence": (results, "record", "after"),
    "within a step of our own": (stock, "_book", "after"),
}
CALLS = 9  # more of them than any of these points has in one order


WITH_COMPENSATIONS = (
    "between that commit and the call",
    "between the call and its result",
    "within a step of our own",
)


@pytest.mark.parametrize(
    ("point", "refused"),
    [*((point, False) for point in POINTS), *((point, True) for point in WITH_COMPENSATIONS)],
)
def test_a_crash_at_any_point_of_any_step_changes_nothing(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, point: str, refused: bool
) -> None:
    stocked(on_hand=100)
    crashes = 0
    for nth in range(CALLS):
        if refused:
            sandbox.control.force("payments", "refused", operation="capture", times=CALLS)
        order = place()
        with killed_at(monkeypatch, POINTS[point], nth) as killed:
            work_off_with_crashes()
        crashes += len(killed)
        assert outcome_of(order, sandbox) == ("cancelled" if refused else "shipped")
        sandbox.control.reset()
        if not killed:
            break
    assert crashes == nth >= 1  # each of its passages was hit once, until there was none left
    assert stock_of()[1] == 0


def test_every_message_delivered_again_and_again_changes_nothing(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    while step_once():
        deliver_everything_again()
    assert outcome_of(order, sandbox) == "shipped"
    steps = SagaStep.objects.order_by("position")
    assert [step.attempts for step in steps] == [1] * 5
    writing = [
        one for one in sandbox.control.requests("payments") if one["operation"] != "retrieve"
    ]
    assert [one["operation"] for one in writing] == ["create", "confirm", "capture"]
    assert len(sandbox.control.requests("shipping")) == 1


def test_two_workers_of_which_one_was_frozen_through_its_lease(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one wakes up between its commit and its call: too late, it calls nobody."""
    stocked()
    order = place()
    frozen: list[Any] = []
    make_call = calling.make_call
    monkeypatch.setattr(calling, "make_call", frozen.append)
    while not frozen:
        step_once()
    monkeypatch.setattr(calling, "make_call", make_call)
    work_off()
    asked = len(sandbox.control.requests("payments"))
    make_call(frozen[0])
    assert len(sandbox.control.requests("payments")) == asked
    assert outcome_of(order, sandbox) == "shipped"


def test_an_answer_that_comes_after_its_lease_is_evidence(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked()
    order = place()
    late: list[tuple[Any, ...]] = []
    with monkeypatch.context() as patched:
        patched.setattr(results, "record", lambda *a, **k: late.append((a, k)))
        while not late:
            step_once()
    work_off()
    (arguments, keywords) = late[0]
    results.record(*arguments, **keywords)
    calls = SagaStep.objects.get(name="authorise").calls.order_by("number")
    assert [(call.outcome, call.late) for call in calls] == [("unknown", "done"), ("done", "")]
    assert outcome_of(order, sandbox) == "shipped"


def work_off_with_crashes() -> None:
    """Go on after a kill as the next worker would."""
    while True:
        try:
            work_off()
        except Killed:
            continue
        return


@contextmanager
def killed_at(
    monkeypatch: pytest.MonkeyPatch, point: tuple[Any, str, str], nth: int
) -> Iterator[list[int]]:
    """Kill at the point's passage number `nth`; yields the list of those that happened."""
    module, name, side = point
    real: Callable[..., Any] = getattr(module, name)
    passages, killed = [0], list[int]()

    def passing(*args: Any, **keywords: Any) -> Any:
        mine, passages[0] = passages[0], passages[0] + 1
        if mine == nth and side == "before":
            killed.append(mine)
            raise Killed
        result = real(*args, **keywords)
        if mine == nth:
            killed.append(mine)
            raise Killed
        return result

    with monkeypatch.context() as patched:
        patched.setattr(module, name, passing)
        yield killed


def deliver_everything_again() -> None:
    for message in Message.objects.filter(handler__startswith="orders.").exclude(state="pending"):
        consumer.consume(handlers.get(message.handler), [message.id], Delivery.here())
        Message.objects.filter(pk=message.pk).update(state="pending", finished_at=None, attempts=0)
        consumer.consume(handlers.get(message.handler), [message.id], Delivery.here())
