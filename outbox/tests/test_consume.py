"""One row, one lock, one commit."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

import outbox
from outbox import claims, relay
from outbox.models import Message, Run
from outbox.tests.conftest import another_session, deliver, drain, enqueue, make_due
from outbox.tests.test_keys import in_thread


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda **args: ledger.add(str(args.get("n", "effect"))))


def test_the_effect_and_its_mark_are_one_commit(effect: Any, ledger: Any) -> None:
    message = enqueue(args={"n": 7})
    assert deliver(effect, message).done == 1
    message.refresh_from_db()
    assert ledger.all() == ["7"]
    assert (message.state, message.attempts, message.worker) == ("done", 1, "test:1")
    assert message.created_at <= message.started_at <= message.finished_at


def test_the_first_effect_is_committed_before_others_are_looked_for(
    effect: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At rest the search finds nothing, and the job would wait for it."""
    seen_by_others = []

    def look(*_: Any, **__: Any) -> None:
        with another_session() as other:
            seen_by_others.append(other.execute("SELECT count(*) FROM test_ledger").fetchone())

    monkeypatch.setattr(claims, "open_next", look)
    deliver(effect, enqueue())
    assert seen_by_others == [(1,)]


def test_a_second_delivery_is_refused(effect: Any, ledger: Any) -> None:
    message = enqueue()
    deliver(effect, message)
    assert deliver(effect, message).refused == 1
    assert ledger.all() == ["effect"]


def test_a_dispatch_that_was_overtaken_asks_for_no_more_of_its_own(
    effect: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load one dispatch names many, and another one has taken them along by then."""
    claimed = []
    claim_first = claims.claim_first
    monkeypatch.setattr(
        claims, "claim_first", lambda *args: claimed.append(args) or claim_first(*args)
    )
    messages = [enqueue(args={}) for _ in range(5)]
    Message.objects.filter(id=messages[0].id).update(state="done", finished_at=timezone.now())
    tally = deliver(effect, *messages)
    assert (tally.done, tally.refused) == (4, 1)
    assert len(claimed) == 1, "the rest were found as what is due"


def test_a_delivery_during_the_run_is_refused(declare: Any, ledger: Any) -> None:
    tallies = []

    def deliver_again() -> None:
        ledger.add("slow")
        thread = in_thread(lambda: tallies.append(deliver(handler, message)))
        thread.join(10)

    handler = declare(deliver_again, name="tests.slow")
    message = enqueue(handler="tests.slow")
    deliver(handler, message)
    assert [tally.refused for tally in tallies] == [1]
    assert ledger.all() == ["slow"]


def test_many_workers_share_a_backlog_without_a_double(effect: Any, ledger: Any) -> None:
    with transaction.atomic():
        outbox.enqueue_many("tests.effect", ({"n": n} for n in range(200)))
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait(10)
        drain(effect)

    for thread in [in_thread(work) for _ in range(4)]:
        thread.join(60)
    assert Counter(ledger.all()) == Counter(str(n) for n in range(200))
    assert not Run.objects.exists()


def test_a_message_before_its_time_is_refused(effect: Any, ledger: Any) -> None:
    message = enqueue(due_at=timezone.now() + timedelta(hours=1))
    assert deliver(effect, message).refused == 1
    assert ledger.all() == []


def test_a_dispatch_takes_along_whatever_is_due(effect: Any, ledger: Any) -> None:
    with transaction.atomic():  # by one statement, at one moment
        *_, late = outbox.enqueue_many(effect.name, [{"n": n} for n in range(6)])
    deliver(effect, Message.objects.get(id=late))
    assert ledger.all() == ["5", "0", "1", "2", "3", "4"]


def test_a_dispatch_ends_with_its_time_slice(
    effect: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbox.consumer.TIME_SLICE", timedelta(0))
    first = enqueue(args={"n": 0})
    enqueue(args={"n": 1})
    deliver(effect, first)
    assert ledger.all() == ["0"]
    assert not Run.objects.exists(), "a record without a run would be taken for a crash"


def test_slow_messages_of_one_dispatch_end_with_its_time_slice_too(
    effect: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction that enqueues hundreds of them would keep a worker for as many runs."""
    monkeypatch.setattr("outbox.consumer.TIME_SLICE", timedelta(0))
    messages = [enqueue(args={"n": n}) for n in range(3)]
    tally = deliver(effect, *messages)
    assert (tally.done, tally.refused, ledger.all()) == (1, 0, ["0"])
    make_due(*messages[1:])
    assert relay.run_once().dispatched == 2


def test_a_batch_handler_commits_its_messages_together(declare: Any, ledger: Any) -> None:
    sizes = []

    def together(messages: list[Message]) -> None:
        sizes.append(len(messages))
        for message in messages:
            ledger.add(str(message.args["n"]))

    handler = declare(together, name="tests.batch", batch_size=4)
    with transaction.atomic():
        outbox.enqueue_many("tests.batch", ({"n": n} for n in range(10)))
    assert deliver(handler).done == 10
    assert sizes == [4, 4, 2]
    assert sorted(map(int, ledger.all())) == list(range(10))


def test_a_dead_connection_leaves_the_message_to_be_run_again(declare: Any, ledger: Any) -> None:
    def cut_once() -> None:
        ledger.add("effect")
        if len(runs) == 0:
            runs.append(1)
            ledger.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    runs: list[int] = []
    handler = declare(cut_once, name="tests.cut")
    message = enqueue(handler="tests.cut")
    assert deliver(handler, message).failed == 1
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 1)
    make_due(message)
    assert deliver(handler).done == 1
    assert ledger.all() == ["effect"]


def test_a_worker_that_hangs_in_its_transaction_is_cut_off(declare: Any, ledger: Any) -> None:
    """PostgreSQL ends the session at the deadline, and the row is free."""

    def hang() -> None:
        ledger.add("effect")
        pid = connection.connection.info.backend_pid
        with another_session() as other:
            while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
                pass

    handler = declare(hang, name="tests.hang", deadline=timedelta(milliseconds=100))
    message = enqueue(handler="tests.hang")
    assert deliver(handler, message).failed == 1
    message.refresh_from_db()
    assert (message.state, ledger.all()) == ("pending", [])


def test_a_statement_beyond_the_deadline_is_a_failed_attempt(declare: Any, ledger: Any) -> None:
    def slow() -> None:
        ledger.add("effect")
        ledger.execute("SELECT pg_sleep(5)")

    # On a busy machine the pause before the statement must not be what is ended, at the same bound.
    handler = declare(slow, name="tests.slow", deadline=timedelta(milliseconds=500))
    message = enqueue(handler="tests.slow")
    deliver(handler, message)
    message.refresh_from_db()
    assert (message.state, message.attempts, ledger.all()) == ("pending", 1, [])
    assert "statement timeout" in message.last_error


def test_a_swallowed_exception_is_no_success(declare: Any, ledger: Any) -> None:
    """Django undoes the savepoint silently; marked done, the effect would be lost."""

    def swallow() -> None:
        ledger.add("half")
        try:
            with transaction.atomic(savepoint=False):
                raise IntegrityError
        except IntegrityError:
            pass

    handler = declare(swallow, name="tests.swallow")
    message = enqueue(handler="tests.swallow")
    assert deliver(handler, message).failed == 1
    message.refresh_from_db()
    assert (message.state, ledger.all()) == ("pending", [])
    assert "swallowed" in message.last_error


def test_a_failing_hook_after_the_commit_does_not_stop_the_next_run(
    declare: Any, ledger: Any
) -> None:
    def hook() -> None:
        raise LookupError

    def effect(n: int) -> None:
        ledger.add(str(n))
        transaction.on_commit(hook)

    handler = declare(effect, name="tests.hook")
    first = enqueue(handler="tests.hook", args={"n": 0})
    enqueue(handler="tests.hook", args={"n": 1})
    assert deliver(handler, first).done == 2
    assert ledger.all() == ["0", "1"]
    assert not Run.objects.exists()


def test_the_effect_knows_its_message_and_its_children_continue_its_operation(
    declare: Any,
) -> None:
    seen = []

    def parent() -> None:
        seen.append(outbox.current_message())
        outbox.enqueue("tests.effect", args={})

    handler = declare(parent, name="tests.parent")
    message = enqueue(handler="tests.parent")
    deliver(handler, message)
    child = Message.objects.get(handler="tests.effect")
    assert [one.id for one in seen] == [message.id]
    assert child.operation_id == message.operation_id
    assert outbox.current_message() is None


@pytest.mark.parametrize("ids", [None, "text", [1, None, "no id", {"a": 1}], ["0" * 36]])
def test_a_forged_dispatch_invents_nothing(effect: Any, ledger: Any, ids: Any) -> None:
    result = effect.task.apply(args=[ids]).get()
    assert result["done"] == 0
    assert ledger.all() == []
