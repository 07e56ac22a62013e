"""Unique keys in the three ways that people know from unique-jobs libraries."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

import outbox
from outbox import retention
from outbox.models import IdempotencyKey, Message
from outbox.tests.conftest import another_session, deliver, enqueue


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda **args: ledger.add("effect"))


def lapse(key: str) -> None:
    IdempotencyKey.objects.filter(key=key).update(until="2020-01-01T00:00:00Z")


def in_thread(work: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_forever_outlives_its_message(effect: Any) -> None:
    first = enqueue(key="k", args={"id": 1})
    deliver(effect, first)
    Message.objects.filter(id=first.id).update(finished_at="2020-01-01T00:00:00Z")
    retention.prune_batch()
    with transaction.atomic():
        again = outbox.enqueue("tests.effect", args={"id": 1}, key="k")
    assert (again.message_id, again.created) == (first.id, False)
    assert not Message.objects.exists()


def test_the_order_of_the_arguments_makes_no_difference() -> None:
    first = enqueue(key="k", args={"a": 1, "b": 2})
    assert enqueue(key="k", args={"b": 2, "a": 1}).id == first.id


def test_the_same_key_with_other_arguments_is_an_error() -> None:
    enqueue(key="k", args={"id": 1})
    with pytest.raises(outbox.KeyConflict, match="other arguments"):
        enqueue(key="k", args={"id": 2})
    assert Message.objects.count() == 1


def test_a_period_ends(effect: Any) -> None:
    unique = outbox.for_period(timedelta(hours=1))
    first = enqueue(key="k", unique=unique)
    deliver(effect, first)
    assert enqueue(key="k", unique=unique).id == first.id
    lapse("k")
    assert enqueue(key="k", unique=unique, args={"id": 2}).id != first.id


def test_while_pending_answers_with_the_waiting_message(sent: list[Any]) -> None:
    first = enqueue(key="k", unique=outbox.WHILE_PENDING)
    sent.clear()
    assert enqueue(key="k", unique=outbox.WHILE_PENDING).id == first.id
    assert sent == [("tests.effect", [str(first.id)])], "its row was held: it is dispatched again"


@pytest.mark.parametrize("unique", [outbox.FOREVER, outbox.for_period(timedelta(hours=1))])
def test_whose_message_was_never_held_needs_no_dispatch(sent: list[Any], unique: Any) -> None:
    """Each tick asks for each schedule's slot again, once a minute for as long as it lasts."""
    first = enqueue(key="k", unique=unique)
    sent.clear()
    assert enqueue(key="k", unique=unique).id == first.id
    assert sent == []


def test_while_pending_says_nothing_of_the_clock(effect: Any) -> None:
    """A transaction that began earlier meets a key whose end lies in its future."""
    begun: list[Any] = []

    def enqueue_and_run() -> None:
        begun.append(enqueue(key="k", unique=outbox.WHILE_PENDING))
        deliver(effect, begun[0])

    with transaction.atomic():
        Message.objects.count()  # now() is when this began
        in_thread(enqueue_and_run).join(10)
        second = outbox.enqueue("tests.effect", args={}, key="k", unique=outbox.WHILE_PENDING)
    assert (second.created, second.message_id == begun[0].id) == (True, False)


def test_while_pending_lets_go_of_a_finished_message(effect: Any) -> None:
    first = enqueue(key="k", unique=outbox.WHILE_PENDING)
    deliver(effect, first)
    second = enqueue(key="k", unique=outbox.WHILE_PENDING)
    assert second.id != first.id
    assert enqueue(key="k", unique=outbox.WHILE_PENDING).id == second.id


def test_a_message_that_is_being_run_gets_a_follower(declare: Any) -> None:
    """It has read the past: what changed since would never be looked at."""
    begun, follower = threading.Event(), []

    def slow() -> None:
        begun.set()
        thread.join(10)

    handler = declare(slow, name="tests.slow")
    first = enqueue(handler="tests.slow", key="k", unique=outbox.WHILE_PENDING)

    def press_again() -> None:
        assert begun.wait(10)
        follower.append(enqueue(handler="tests.slow", key="k", unique=outbox.WHILE_PENDING).id)

    thread = in_thread(press_again)
    deliver(handler, first)
    assert follower
    assert follower != [first.id]


def test_two_requests_at_once_are_one_message() -> None:
    """The second waits for the first one's commit, and is answered with its message."""
    ids, second_began = [], threading.Event()

    def second() -> None:
        second_began.set()
        ids.append(enqueue(key="k").id)

    with transaction.atomic():
        first = outbox.enqueue("tests.effect", args={}, key="k")
        thread = in_thread(second)
        second_began.wait(10)
        wait_until_somebody_waits_for(connection.connection.info.backend_pid)
    thread.join(10)
    assert ids == [first.message_id]
    assert Message.objects.count() == 1


def test_a_key_whose_request_was_rolled_back_is_free() -> None:
    with transaction.atomic():
        outbox.enqueue("tests.effect", args={}, key="k")
        transaction.set_rollback(True)
    assert enqueue(key="k").key == "k"


def test_retention_keeps_the_key_of_a_waiting_message() -> None:
    first = enqueue(key="k", unique=outbox.WHILE_PENDING)
    lapse("k")
    retention.prune_batch()
    assert enqueue(key="k", unique=outbox.WHILE_PENDING).id == first.id


def test_retention_forgets_a_lapsed_key(effect: Any) -> None:
    deliver(effect, enqueue(key="k", unique=outbox.for_period(timedelta(hours=1))))
    lapse("k")
    retention.prune_batch()
    assert not IdempotencyKey.objects.exists()


def test_a_period_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="above zero"):
        outbox.for_period(timedelta(0))


def wait_until_somebody_waits_for(backend_pid: int) -> None:
    """Return when PostgreSQL says that another session waits for a lock of this one.

    Asked from a third session: inside a transaction pg_stat_activity shows one moment only.
    """
    waiting = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with another_session() as session:
        while session.execute(waiting, [backend_pid]).fetchone() is None:
            pass
