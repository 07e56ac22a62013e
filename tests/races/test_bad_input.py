"""What cannot be explored is said clearly, and the database is clean for the next run."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from races.explorer import (
    Divergence,
    Explorer,
    ExplorerError,
    NeverCameBack,
    NeverEnds,
    Race,
    ScheduleDoesNotFit,
    ServerNotControlled,
    ThreadLeftBehind,
)
from races.explorer.errors import InsideTransaction, NoYieldPoint
from races.explorer.server import Server
from races.models import Account, Effect
from races.scenarios import one_credit_is_spent_once as credit

CREDIT = {"setup": credit.setup, "check": credit.check}


@pytest.fixture(autouse=True)
def _clean_behind(race: Race) -> Iterator[None]:
    """After each of these errors the next exploration works as if nothing had been."""
    yield
    assert not Account.objects.exists()
    assert not Effect.objects.exists()
    verdict = race.proves(credit.row_lock, credit.row_lock, **CREDIT)
    assert verdict.complete


@pytest.mark.parametrize("text", ["A*x", "*3", "kill:A*2", "A*0", "stop:B", ":"])
def test_a_text_that_is_no_schedule(race: Race, text: str) -> None:
    with pytest.raises(ScheduleDoesNotFit, match=r"is no step: write"):
        race.replays(text, credit.row_lock, credit.row_lock, **CREDIT)


def test_a_schedule_says_where_it_leaves_the_tree(race: Race) -> None:
    with pytest.raises(ScheduleDoesNotFit) as told:
        race.replays("A*1 B*2", credit.row_lock, credit.row_lock, **CREDIT)
    assert "at its step 3, B, after A*1 B*1" in str(told.value)
    assert "B blocked: SELECT" in str(told.value)
    assert "What can happen: A." in str(told.value)


def test_a_schedule_with_an_unknown_worker(race: Race) -> None:
    with pytest.raises(ScheduleDoesNotFit, match=r"step 1, Z, after the start"):
        race.replays("Z*1", credit.row_lock, credit.row_lock, **CREDIT)


def test_a_schedule_that_is_too_long(race: Race) -> None:
    with pytest.raises(ScheduleDoesNotFit, match=r"all have ended|What can happen: B"):
        race.replays("A*99", credit.row_lock, credit.row_lock, **CREDIT)


def test_a_callable_that_computes_for_ever(race: Race) -> None:
    def spin() -> None:
        Account.objects.update(credits=5)
        while True:
            pass

    race.explorer.patience = 1.5
    with pytest.raises(NeverCameBack, match=r"A has run for 1.5 s since .UPDATE"):
        race.proves(spin, spin, **CREDIT)
    race.explorer.patience = 20


def test_a_callable_that_waits_for_what_the_explorer_cannot_see(race: Race) -> None:
    lock = threading.Lock()

    def waits() -> None:
        with lock, transaction.atomic():
            Account.objects.update(credits=5)

    race.explorer.patience = 1.5
    with pytest.raises(NeverCameBack, match=r"put a point\(\) before it"):
        race.proves(waits, waits, **CREDIT)
    race.explorer.patience = 20


def test_a_callable_that_asks_for_ever(race: Race) -> None:
    def poll() -> None:
        while Account.objects.filter(pk=1, credits=1).exists():
            pass

    with pytest.raises(NeverEnds, match=r"made 300 steps"):
        race.proves(poll, poll, **CREDIT)


def test_a_thread_left_behind(race: Race) -> None:
    stop = threading.Event()

    def leaves_a_thread() -> None:
        Account.objects.update(credits=5)
        threading.Thread(target=stop.wait, name="the straggler").start()

    with pytest.raises(ThreadLeftBehind, match=r"the straggler"):
        race.proves(leaves_a_thread, leaves_a_thread, **CREDIT)
    stop.set()


@pytest.mark.parametrize("where", ["setup", "begin", "check", "aftermath"])
def test_a_thread_left_behind_beside_the_workers(race: Race, where: str) -> None:
    stop = threading.Event()

    def leaves_a_thread() -> None:
        threading.Thread(target=stop.wait, name="the straggler").start()

    parts = {"setup": lambda: None, "check": lambda: None, where: leaves_a_thread}
    with pytest.raises(ThreadLeftBehind, match=r"the straggler"):
        race.proves(lambda: Account.objects.count(), lambda: None, **parts)
    stop.set()


@pytest.mark.parametrize("past", ["copy", "callproc", "stream"])
def test_rows_that_come_past_the_explorer(race: Race, past: str) -> None:
    """Silently it would be no step, and what it locks or writes in nobody's footprint."""
    words = {
        "copy": "COPY races_effect (operation) FROM STDIN",
        "callproc": "now",
        "stream": "SELECT * FROM races_effect",
    }

    def job() -> None:
        with connection.cursor() as cursor, contextlib.ExitStack() as stack:
            found = getattr(cursor, past)(words[past])
            if past == "copy":
                stack.enter_context(found)
            elif past == "stream":
                list(found)

    with pytest.raises(NoYieldPoint, match=r"goes past the explorer"):
        race.proves(job, credit.row_lock, **CREDIT)


@pytest.mark.parametrize(
    "sql",
    [
        "SET LOCAL lock_timeout = '1s'; UPDATE races_account SET credits = 5",
        "SELECT 1 /* ; */; UPDATE races_account SET credits = 5;",
    ],
)
def test_several_statements_at_once(race: Race, sql: str) -> None:
    """By the first word they would be one step, or none."""

    def job() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

    with pytest.raises(NoYieldPoint, match=r"execute\(\) each by itself"):
        race.proves(job, credit.row_lock, **CREDIT)


def test_one_statement_many_times_over(race: Race) -> None:
    def job() -> None:
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE races_account SET credits = %s", [(1,), (2,)])

    with pytest.raises(NoYieldPoint, match=r"execute\(\) each by itself"):
        race.proves(job, credit.row_lock, **CREDIT)


def test_a_semicolon_that_no_statement_follows(race: Race) -> None:
    def job() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE races_account SET credits = 0 WHERE ';' = ';' /* ; */; -- ;")

    assert race.proves(job, lambda: job(), setup=credit.setup, check=lambda: None).complete


def test_rows_that_are_locked_as_they_are_fetched(race: Race) -> None:
    """The second chunk comes in whichever step is under way."""

    def job() -> None:
        with transaction.atomic():
            list(Account.objects.select_for_update().iterator(chunk_size=1))

    with pytest.raises(NoYieldPoint, match=r"fetch all at once"):
        race.proves(job, credit.row_lock, **CREDIT)


def test_a_table_that_is_locked_at_once_or_not(race: Race) -> None:
    """It meets who has read, and nothing else tells when that one commits."""

    def job() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("/* now */ LOCK TABLE races_account NOWAIT")

    with pytest.raises(NoYieldPoint, match=r"without NOWAIT"):
        race.proves(job, credit.row_lock, **CREDIT)


@pytest.mark.parametrize("name", ["transaction_isolation", "default_transaction_isolation"])
def test_an_isolation_level_that_is_set_by_a_call(race: Race, name: str) -> None:
    """It would count as READ COMMITTED, and what depends on the snapshot would not be tried."""

    def job() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT set_config('{name}', 'serializable', true)")

    with pytest.raises(NoYieldPoint, match=r"SET it instead"):
        race.proves(job, credit.row_lock, **CREDIT)


def test_a_refusal_that_the_code_swallows_is_told_all_the_same(race: Race) -> None:
    def job() -> None:
        with contextlib.suppress(Exception), connection.cursor() as cursor:
            cursor.callproc("now")

    with pytest.raises(NoYieldPoint, match=r"now goes past the explorer"):
        race.proves(job, job, check=lambda: None)


def test_rows_copied_into_a_table_of_ones_own(race: Race) -> None:
    """Nobody else can notice: it adds no choice."""

    def stages() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE staged (pk int) ON COMMIT DROP")
            with cursor.copy("COPY staged FROM STDIN") as copy:
                copy.write_row((1,))
            cursor.execute("ANALYZE staged")
            cursor.execute("UPDATE races_account SET credits = 0 FROM staged WHERE id = pk")

    def knows() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE races_account SET credits = 0 WHERE id = 1")

    def check() -> None:
        assert Account.objects.get(pk=1).credits == 0

    tried = [
        race.proves(job, credit.row_lock, setup=credit.setup, check=check)
        for job in (stages, knows)
    ]
    assert tried[0].schedules == tried[1].schedules


def test_chance_in_a_callable_is_an_error_and_says_where(race: Race) -> None:
    calls = iter(range(1_000))

    def fickle() -> None:
        if next(calls) % 3 == 2:
            Account.objects.update(credits=5)
        Effect.objects.create(operation="x")

    with pytest.raises(Divergence, match=r"led somewhere else. Before: .* Now: "):
        race.proves(fickle, lambda: fickle(), setup=credit.setup, check=lambda: None)


def test_workers_without_a_name_of_their_own(race: Race) -> None:
    with pytest.raises(ValueError, match="At most 8 workers, and these are 9"):
        race.proves(*(credit.row_lock,) * 9, **CREDIT)
    with pytest.raises(ValueError, match="B is a worker's name"):
        race.proves(credit.row_lock, credit.row_lock, environment={"B": credit.row_lock}, **CREDIT)


def test_inside_a_transaction(race: Race) -> None:
    with transaction.atomic(), pytest.raises(InsideTransaction):
        Explorer()


def test_a_server_whose_rows_move_by_chance(race: Race) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET autovacuum = on")
        cursor.execute("SELECT pg_reload_conf()")
    try:
        time.sleep(0.2)  # the server reads its configuration
        with pytest.raises(ServerNotControlled, match=r"autovacuum is on"):
            Explorer()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET autovacuum = off")
            cursor.execute("SELECT pg_reload_conf()")


def test_a_server_whose_processes_are_not_ours(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, signal: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", refused)
        with pytest.raises(
            ServerNotControlled, match=r"not permitted.*needs a PostgreSQL of its own"
        ):
            Explorer()


def test_a_role_that_is_no_superuser(race: Race) -> None:
    parameters = connection.get_connection_params()
    names = ("host", "port", "dbname")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE race_nobody LOGIN PASSWORD 'nobody'")
    try:
        with pytest.raises(ServerNotControlled, match=r"This role is no superuser"):
            Server(
                **{name: parameters[name] for name in names}, user="race_nobody", password="nobody"
            )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP ROLE race_nobody")


def test_a_server_on_another_machine(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its backend's number may be that of a process here, which must be left alone."""
    with subprocess.Popen(["/bin/sleep", "60"]) as other, monkeypatch.context() as patched:
        patched.setattr(Server, "pid", other.pid)
        with pytest.raises(ServerNotControlled, match=f"Process {other.pid} here is not its"):
            Explorer()
        assert other.poll() is None
        other.kill()


def test_a_setup_that_fails(race: Race) -> None:
    def fails() -> None:
        Account.objects.create(pk=9)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        race.proves(credit.row_lock, credit.row_lock, setup=fails, check=lambda: None)


def test_every_error_of_the_explorer_is_one_class() -> None:
    errors = [Divergence, NeverCameBack, NeverEnds, ScheduleDoesNotFit, ThreadLeftBehind]
    assert all(issubclass(error, ExplorerError) for error in errors)
