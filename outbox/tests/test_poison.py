"""What kills its worker leaves no exception behind: it leaves a run record that nobody holds."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

import outbox
from outbox import claims, runs
from outbox.delivery import Delivery
from outbox.models import Message, Run
from outbox.tests.conftest import another_session, deliver, enqueue, make_due
from outbox.tests.test_keys import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """Stands for SIGKILL inside one process: no handler of exceptions gets to see it."""


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.runs.GRACE", timedelta(0))


@pytest.fixture
def killer(declare: Any) -> Any:
    def kill() -> None:
        raise Killed

    return declare(kill, name="tests.killer", retry=outbox.Retry(limit=None))


def run_and_die(handler: Any, *messages: Message) -> None:
    with pytest.raises(Killed):
        deliver(handler, *messages)


def test_the_first_run_by_its_own_dispatch_leaves_no_record(killer: Any) -> None:
    message = enqueue(handler="tests.killer")
    run_and_die(killer, message)
    assert not Run.objects.exists()
    assert runs.collect_crashed() == 0


def test_a_run_that_died_is_a_crash_and_backs_off(killer: Any) -> None:
    message = enqueue(handler="tests.killer")
    run_and_die(killer)
    assert Run.objects.get().message_ids == [message.id]
    assert runs.collect_crashed() == 1
    message.refresh_from_db()
    assert (message.state, message.crashes, message.alone) == ("pending", 1, True)
    assert message.due_at > message.created_at
    assert not Run.objects.exists()


def test_the_third_crash_alone_is_the_last_even_with_unlimited_retries(killer: Any) -> None:
    message = enqueue(handler="tests.killer")
    for _ in range(3):
        make_due(message)
        run_and_die(killer)
        runs.collect_crashed()
    message.refresh_from_db()
    assert (message.state, message.crashes) == ("dead", 3)
    assert deliver(killer).done == 0


def test_a_crash_in_company_is_not_counted_and_everyone_runs_alone(declare: Any) -> None:
    def kill_with_two(messages: list[Message]) -> None:
        if any(message.args["n"] == 2 for message in messages):
            raise Killed

    handler = declare(kill_with_two, name="tests.batch", batch_size=10)
    messages = [enqueue(handler="tests.batch", args={"n": n}) for n in range(4)]
    run_and_die(handler)
    runs.collect_crashed()
    crashes = Message.objects.values_list("crashes", "alone")
    assert set(crashes) == {(0, True)}
    due_at = dict(Message.objects.values_list("id", "due_at"))
    assert due_at == {message.id: message.due_at for message in messages}, "not at once"
    for _ in range(3):
        make_due(*messages)
        run_and_die(handler)
        runs.collect_crashed()
    make_due(*messages)
    deliver(handler)
    states = {m.args["n"]: m.state for m in Message.objects.all()}
    assert states == {0: "done", 1: "done", 2: "dead", 3: "done"}


def test_runs_of_one_process_that_die_together_are_company(declare: Any, ledger: Any) -> None:
    """The threads of one worker: the killer is among them, but nobody knows which."""
    handler = declare(lambda: None)
    for _ in range(2):
        enqueue()
        with transaction.atomic():
            claims.open_next(handler, Delivery(worker="one:1"))
    assert runs.collect_crashed() == 2
    assert set(Message.objects.values_list("crashes", "alone")) == {(0, True)}


def test_company_stays_company_where_one_comes_to_life_while_the_relay_looks(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or where another relay takes it: who is left has not crashed alone for that."""
    handler = declare(lambda: None)
    for _ in range(2):
        enqueue()
        with transaction.atomic():
            claims.open_next(handler, Delivery(worker="one:1"))
    with another_session() as other, other.transaction():
        collect = runs._collect

        def late(*what: Any) -> int:
            other.execute("SELECT FROM outbox_run ORDER BY id LIMIT 1 FOR UPDATE")
            return collect(*what)

        monkeypatch.setattr(runs, "_collect", late)
        assert runs.collect_crashed() == 1
    assert sorted(Message.objects.values_list("crashes", "alone")) == [(0, False), (0, True)]


def test_a_run_that_lives_is_no_crash(declare: Any, ledger: Any) -> None:
    collected: list[int] = []

    def long() -> None:
        thread = in_thread(lambda: collected.append(runs.collect_crashed()))
        thread.join(10)
        ledger.add("effect")

    handler = declare(long, name="tests.long")
    enqueue(handler="tests.long")
    assert deliver(handler).done == 1
    assert (collected, ledger.all()) == ([0], ["effect"])


def test_a_run_whose_record_was_taken_for_a_crash_does_not_happen(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was paused between recording its run and beginning it."""
    handler = declare(lambda: ledger.add("effect"))
    message = enqueue()
    opened = claims.open_next

    def open_and_pause(*args: Any) -> Run | None:
        run = opened(*args)
        if run:
            transaction.on_commit(lambda: collected.append(runs.collect_crashed()))
        return run

    collected: list[int] = []
    monkeypatch.setattr("outbox.claims.open_next", open_and_pause)
    assert deliver(handler).done == 0
    message.refresh_from_db()
    assert (collected, ledger.all(), message.crashes) == ([1], [], 1)


def test_a_worker_that_only_lost_its_connection_says_so_itself(declare: Any, ledger: Any) -> None:
    def cut() -> None:
        ledger.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    handler = declare(cut, name="tests.cut")
    message = enqueue(handler="tests.cut")
    deliver(handler)
    message.refresh_from_db()
    assert (message.attempts, message.crashes) == (1, 0)
    assert not Run.objects.exists()


def test_recorded_rows_are_not_picked_twice(declare: Any, ledger: Any) -> None:
    handler = declare(lambda: None)
    enqueue()
    with transaction.atomic():
        assert claims.open_next(handler, Delivery(worker="one:1")) is not None
    with transaction.atomic():
        assert claims.open_next(handler, Delivery(worker="two:2")) is None
    assert connection.in_atomic_block is False
