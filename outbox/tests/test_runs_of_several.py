"""Quick messages of an ordinary handler share a run record, and still commit one by one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

import outbox
from outbox import claims, consumer, hooks, runs
from outbox.models import Message, Run
from outbox.pace import MOST, Pace
from outbox.tests.conftest import HERE, another_session, deliver, make_due
from outbox.tests.test_keys import in_thread
from outbox.tests.test_poison import Killed

QUICK = float("inf")
HOUR = timedelta(hours=1)  # a back-off that is not over within the test


def enqueue_many(count: int) -> None:
    """Messages that are due in the order of their numbers."""
    with transaction.atomic(), connection.cursor() as cursor:
        outbox.enqueue_many("tests.effect", ({"n": n} for n in range(count)))
        cursor.execute(
            "UPDATE outbox_message SET due_at = now() - interval '1 hour'"
            " + (args->>'n')::int * interval '1 second'"
        )


def consume(handler: Any, moment: float = QUICK) -> Any:
    return consumer.consume(handler, [], HERE, Pace(moment))


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages each record named."""
    sizes: list[int] = []
    opened = claims.open_next

    def note(*args: Any) -> Run | None:
        run = opened(*args)
        sizes.extend([len(run.message_ids)] if run else [])
        return run

    monkeypatch.setattr(claims, "open_next", note)
    monkeypatch.setattr(consumer, "TIME_SLICE", HOUR)  # a slow machine must not end it in between
    return sizes


def test_records_grow_while_messages_are_quick(
    declare: Any, ledger: Any, records: list[int]
) -> None:
    handler = declare(lambda n: ledger.add(str(n)))
    enqueue_many(150)
    assert consume(handler).done == 150
    assert ledger.all() == [str(n) for n in range(150)]
    assert records == [2, 4, 8, 16, MOST, MOST, MOST, 24]
    assert not Run.objects.exists()


def test_slow_messages_have_a_record_each_and_wait_for_no_other_worker(
    declare: Any, ledger: Any, records: list[int]
) -> None:
    handler = declare(lambda n: ledger.add(str(n)))
    enqueue_many(5)
    assert consume(handler, moment=0).done == 5
    assert records == [1] * 5


def test_each_effect_is_a_commit_of_its_own(declare: Any, ledger: Any) -> None:
    seen: list[int] = []

    def look(n: int) -> None:
        with another_session() as other:
            seen.append(other.execute("SELECT count(*) FROM test_ledger").fetchone()[0])
        ledger.add(str(n))

    handler = declare(look)
    enqueue_many(6)
    consume(handler)
    assert seen == list(range(6))


def test_a_run_that_dies_leaves_the_rest_of_its_record_to_run_alone(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "GRACE", timedelta(0))

    def kill(n: int) -> None:
        if n == 3:
            raise Killed
        ledger.add(str(n))

    handler = declare(kill)
    enqueue_many(6)
    for _ in range(4):
        with pytest.raises(Killed):
            consume(handler)
        runs.collect_crashed()
        make_due(*Message.objects.filter(state="pending"))
    consume(handler)
    assert sorted(ledger.all()) == ["0", "1", "2", "4", "5"]
    dead = Message.objects.get(state="dead")
    assert (dead.args, dead.crashes) == ({"n": 3}, 3)
    assert Message.objects.exclude(id=dead.id).filter(crashes=0, state="done").count() == 5


class Collect(hooks.Hook):
    """A look of the relay's between two messages: as quick as the outbox's own hooks."""

    def __init__(self, collected: list[int]) -> None:
        self.collected = collected

    def __call__(self) -> None:
        self.collected.append(runs.collect_crashed())


def test_a_run_that_was_frozen_between_two_messages_goes_no_further(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch, records: list[int]
) -> None:
    """The relay takes its record for a crash meanwhile. What is left is due at once, and yet not
    run by the lost record: each has one of its own, since it runs alone."""
    monkeypatch.setattr(runs, "GRACE", timedelta(0))
    collected: list[int] = []

    def frozen_after_the_second(n: int) -> None:
        ledger.add(str(n))
        if n == 2:
            transaction.on_commit(Collect(collected))

    handler = declare(frozen_after_the_second)
    enqueue_many(6)
    assert consume(handler).refused == 3
    assert collected == [1]
    assert sorted(ledger.all()) == [str(n) for n in range(6)]
    assert records == [2, 4, 1, 1, 1]
    assert set(Message.objects.filter(alone=True).values_list("args__n", flat=True)) == {3, 4, 5}


def test_a_record_is_held_while_any_of_its_messages_runs(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "GRACE", timedelta(0))
    collected: list[int] = []

    def look(n: int) -> None:
        in_thread(lambda: collected.append(runs.collect_crashed())).join(10)

    handler = declare(look)
    enqueue_many(4)
    assert consume(handler).done == 4
    assert collected == [0, 0, 0, 0]


def test_a_record_is_given_up_before_it_looks_like_a_crash(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch, records: list[int]
) -> None:
    monkeypatch.setattr(runs, "LONGEST_UNHELD", 0.0)
    assert runs.GRACE.total_seconds() > 1.0
    handler = declare(lambda n: ledger.add(str(n)))
    enqueue_many(5)
    assert consume(handler).done == 5
    assert records == [2, 4, 3, 2, 1], "each record does one message and frees the others"


def test_while_hooks_run_no_record_waits_for_them(declare: Any, ledger: Any) -> None:
    """A hook may call somebody outside, for longer than an unheld record may stand."""
    standing: list[int] = []

    def call(n: int) -> None:
        transaction.on_commit(lambda: standing.append(Run.objects.count()))

    handler = declare(call)
    enqueue_many(4)
    assert consume(handler).done == 4
    assert standing == [0, 0, 0, 0]


def test_a_failure_inside_a_record_is_its_message_s_alone(declare: Any, ledger: Any) -> None:
    def fail(n: int) -> None:
        if n == 1:
            raise outbox.Fatal("no")
        ledger.add(str(n))

    handler = declare(fail)
    enqueue_many(4)
    tally = consume(handler)
    assert (tally.done, tally.failed) == (3, 1)
    assert ledger.all() == ["0", "2", "3"]


def test_what_is_cancelled_while_a_record_names_it_does_not_run(declare: Any, ledger: Any) -> None:
    def cancel_the_last(n: int) -> None:
        ledger.add(str(n))
        if n == 0:
            with another_session() as other:
                other.execute(
                    "UPDATE outbox_message SET state = 'cancelled', finished_at = now()"
                    " WHERE args->>'n' = '1'"
                )

    handler = declare(cancel_the_last)
    enqueue_many(2)
    assert consume(handler).done == 1
    assert ledger.all() == ["0"]


def test_a_connection_lost_inside_a_record_frees_the_others(declare: Any, ledger: Any) -> None:
    def cut(n: int) -> None:
        if n == 0:
            ledger.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        ledger.add(str(n))

    handler: Callable[..., Any] = declare(cut)
    enqueue_many(3)
    consume(handler)
    connection.ensure_connection()
    assert not Run.objects.exists()
    assert deliver(handler).done == 2
    assert ledger.all() == ["1", "2"]
