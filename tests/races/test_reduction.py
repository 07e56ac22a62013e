"""The reduction leaves nothing out: random programs end the same in a reduced and a full search."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F

from races.explorer import Explorer, catalog, point, statement
from races.explorer.dependency import independent as swap
from races.explorer.faults import Faults
from races.explorer.reduction import compare
from races.explorer.schedule import ACK
from races.explorer.transaction import OpenTransaction
from races.models import Account, Effect, Job


@pytest.mark.parametrize(
    ("workers", "size", "kills", "alike", "seeds", "largest"),
    [
        (2, 3, 0, False, range(10), 150),
        (3, 1, 0, False, range(500, 504), 100),
        (2, 1, 1, False, range(901, 904), 350),
        (2, 1, 1, False, range(3960, 3961), 150),
        (2, 2, 0, True, range(700, 706), 150),
        (3, 1, 0, True, range(720, 723), 100),
        (2, 1, 1, True, range(740, 741), 250),
    ],
    ids=["two workers", "three workers", "a death", "a death that leaves a sequence advanced",
         "two alike", "three alike", "a death of one of two alike"],
)  # fmt: skip
def test_random_programs_end_the_same(
    explorer: Explorer,
    workers: int,
    size: int,
    kills: int,
    alike: bool,
    seeds: range,
    largest: int,
) -> None:
    found = list(compare(explorer, seeds, workers, size, kills, largest, alike=alike))
    tried = [each for each in found if not each.too_large]
    assert [each.seed for each in tried if not each.agrees] == []
    assert len(tried) >= len(found) // 2
    assert sum(each.reduced for each in tried) < sum(each.full for each in tried)


@pytest.mark.parametrize(
    ("workers", "size", "alike", "seeds"),
    [
        (2, 3, False, range(1000, 1010)),
        (3, 1, False, range(1500, 1504)),
        (2, 2, True, range(1700, 1704)),
    ],
    ids=["two workers", "three workers", "two alike"],
)
def test_random_programs_of_further_forms_end_the_same(
    explorer: Explorer, workers: int, size: int, alike: bool, seeds: range
) -> None:
    found = list(compare(explorer, seeds, workers, size, largest=120, alike=alike, further=True))
    tried = [each for each in found if not each.too_large]
    assert [each.seed for each in tried if not each.agrees] == []
    assert len(tried) >= len(found) // 2


def test_the_full_search_leaves_nothing_out(explorer: Explorer) -> None:
    """Neither the other of two alike, nor a death that is a later beginning, nor a last end."""

    def job() -> int:
        return Effect.objects.count()

    with explorer.scenario([job, job], faults=Faults(kills=1)) as scenario:
        full = {each.schedule for each in scenario.search(reduce=False, omit=False)}
    assert {"A*2 B*2", "B*2 A*2", "kill:A B*2 A'*2"} <= full


def _says(*statements: str) -> Callable[[], list[Any]]:
    """A worker that says this in one transaction, and returns what it read or met."""

    def job() -> list[Any]:
        seen: list[Any] = []
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for sql in statements:
                    cursor.execute(sql)
                    seen.append(cursor.fetchall() if cursor.description else cursor.rowcount)
        except DatabaseError as error:
            seen.append(getattr(error.__cause__, "sqlstate", ""))
        return seen

    return job


def _ends(
    explorer: Explorer, jobs: Sequence[Callable[[], Any]], kills: int = 0, *, reduce: bool
) -> set[str]:
    """All that can be told apart when the workers have ended."""
    ends = set()
    with explorer.scenario(jobs, setup=lambda: None, faults=Faults(kills=kills)) as scenario:
        for explored in scenario.search(reduce=reduce):
            if explored.whole:
                control = explorer.server.connection
                rows = [control.execute(f"SELECT v FROM {each} ORDER BY 1").fetchall()
                        for each in ("race_top", "race_middle", "race_leaf")]  # fmt: skip
                ends.add(repr((rows, [outcome.value for outcome in explored.run.outcomes()])))
    return ends


@pytest.fixture
def family(explorer: Explorer) -> Iterator[Callable[[str, str], None]]:
    """Three tables, each with rows that refer to the one before, as the caller wants them to."""
    control = explorer.server.connection
    drop = "DROP TABLE IF EXISTS race_leaf, race_middle, race_top; DROP FUNCTION IF EXISTS race_t"

    def made(refers: str, more: str = "") -> None:
        control.execute(
            f"""
            {drop};
            CREATE TABLE race_top (id int PRIMARY KEY, v int);
            CREATE TABLE race_middle (id int PRIMARY KEY, v int,
                top int REFERENCES race_top {refers});
            CREATE TABLE race_leaf (id int PRIMARY KEY, v int,
                middle int REFERENCES race_middle {refers});
            INSERT INTO race_top VALUES (1, 0), (2, 0);
            INSERT INTO race_middle VALUES (1, 0, 1);
            INSERT INTO race_leaf VALUES (1, 0, 1);
            CREATE FUNCTION race_t() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN UPDATE race_leaf SET v = v * 2 + 1; RETURN NULL; END';
            {more}
            """,
            prepare=False,
        )
        explorer.take_charge()

    yield made
    control.execute(drop, prepare=False)
    explorer.take_charge()


@pytest.mark.parametrize(
    ("refers", "more", "jobs"),
    [
        (
            "DEFERRABLE INITIALLY IMMEDIATE",
            "",
            [
                ["INSERT INTO race_middle VALUES (2, 0, 2)", "SELECT v FROM race_leaf"],
                ["SELECT v FROM race_top WHERE id = 2 FOR UPDATE", "UPDATE race_leaf SET v = 5"],
            ],
        ),
        (
            "DEFERRABLE INITIALLY DEFERRED",
            "",
            [
                ["SET CONSTRAINTS ALL IMMEDIATE", "SELECT v FROM race_middle FOR UPDATE",
                 "INSERT INTO race_middle VALUES (2, 0, 2)", "SELECT v FROM race_leaf"],
                [
                    "SELECT v FROM race_middle FOR UPDATE SKIP LOCKED",
                    "WITH held AS (SELECT v FROM race_top WHERE id = 2 FOR UPDATE) "
                    "UPDATE race_leaf SET v = 5 FROM held",
                ],
            ],
        ),
        (
            "ON DELETE CASCADE",
            "",
            [["DELETE FROM race_top WHERE id = 1"],
             ["UPDATE race_leaf SET v = 5", "SELECT v FROM race_top"]],
        ),
        (
            "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
            "",
            [["DELETE FROM race_top WHERE id = 1"],
             ["UPDATE race_middle SET v = 5", "SELECT v FROM race_top"]],
        ),
        (
            "ON UPDATE CASCADE",
            "CREATE TRIGGER race_t AFTER UPDATE ON race_middle EXECUTE FUNCTION race_t()",
            [["UPDATE race_top SET id = 9 WHERE id = 1"], ["SELECT v FROM race_leaf"]],
        ),
        (
            "",
            "CREATE TRIGGER race_t AFTER UPDATE ON race_top EXECUTE FUNCTION race_t()",
            [["UPDATE race_top SET id = 9 WHERE id = 2"], ["SELECT v FROM race_leaf"]],
        ),
    ],
    ids=[
        "a deferrable key asked at once",
        "a deferred key that is set immediate",
        "a cascade of two levels",
        "a cascade whose key is deferred",
        "the trigger of a child that is changed along",
        "the trigger of a table whose key changes",
    ],
)  # fmt: skip
def test_what_the_catalogue_adds_to_a_statement_leaves_nothing_out(
    explorer: Explorer,
    family: Callable[[str, str], None],
    refers: str,
    more: str,
    jobs: list[list[str]],
) -> None:
    family(refers, more)
    workers = [_says(*statements) for statements in jobs]
    full = _ends(explorer, workers, reduce=False)
    assert len(full) > 1
    assert _ends(explorer, workers, reduce=True) == full


def test_new_rows_that_may_clash_at_commit_make_two_commits_depend_on_each_other(
    explorer: Explorer, family: Callable[[str, str], None]
) -> None:
    family("", "ALTER TABLE race_leaf ADD UNIQUE (v) DEFERRABLE")
    inserted = statement.read(
        "INSERT INTO race_leaf VALUES (3, 7)", catalog.read(explorer.server.connection)
    )
    commit = OpenTransaction(inserted.footprint.takes, inserted.at_commit).end(commits=True)
    assert not swap(commit, commit)


def test_a_death_behind_a_step_that_nobody_notices_frees_a_lock_at_any_moment(
    explorer: Explorer,
) -> None:
    """Such a step is made at once, so that nobody comes in before it; but they do behind it."""

    def begins_once() -> None:
        if Job.objects.filter(pk=2, state="pending").update(state="begun"):
            with transaction.atomic():
                Job.objects.select_for_update().get(pk=1)
                point("work")
        else:
            Account.objects.update(credits=F("credits") * 2)

    def looks_for_work() -> None:
        with transaction.atomic():
            found = list(Job.objects.select_for_update(skip_locked=True).filter(pk=1))
        if not found:
            Account.objects.update(credits=F("credits") + 1)

    def setup() -> None:
        Job.objects.bulk_create([Job(pk=1), Job(pk=2)])
        Account.objects.create(pk=1, credits=1)

    def ends(*, reduce: bool) -> set[int]:
        jobs, faults = [begins_once, looks_for_work], Faults(kills=1, spared=frozenset({"B"}))
        with explorer.scenario(jobs, setup=setup, faults=faults) as scenario:
            found = scenario.search(reduce=reduce, omit=reduce)
            return {Account.objects.get().credits for explored in found if explored.whole}

    assert 3 in ends(reduce=False)
    assert ends(reduce=True) == ends(reduce=False)


def test_a_lost_connection_frees_a_session_lock(explorer: Explorer) -> None:
    """Its backend has ended before anybody goes on, and only with the step that loses the reply."""

    def holds() -> object:
        with contextlib.suppress(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7)")
            Effect.objects.create()
            cursor.execute("SELECT pg_advisory_unlock(7)")

    def tries() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(7)")
            return cursor.fetchone()[0]

    def ends(*, reduce: bool) -> set[str]:
        found = set()
        with explorer.scenario([holds, tries], faults=Faults(acks=1)) as scenario:
            for explored in scenario.search(reduce=reduce):
                if explored.whole:
                    lost = [str(each) for each in explored.run.taken if each.act == ACK]
                    found.add(repr((lost, explored.run.outcomes()[1].value)))
        return found

    assert ends(reduce=False) == {
        "([], True)",
        "([], False)",
        "(['ack:A'], True)",
        "(['ack:A'], False)",
    }
    assert ends(reduce=True) == ends(reduce=False)


def test_a_serializable_read_may_doom_another_in_the_middle(
    explorer: Explorer, family: Callable[[str, str], None]
) -> None:
    """What the doomed one says next fails, in whichever table it would have looked."""
    family("", "")
    begin, turn = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT pg_advisory_xact_lock(1)"
    reads, writes = "SELECT v FROM race_", "UPDATE race_top SET v = 5 WHERE id = 1"
    changes = _says(begin, turn, "UPDATE race_leaf SET v = 7")
    meets = _says(begin, f"{reads}top", writes)
    workers = [
        _says(begin, f"{reads}leaf", turn, writes, f"{reads}middle"),
        lambda: [changes(), meets()],
    ]
    assert _ends(explorer, workers, reduce=True) == _ends(explorer, workers, reduce=False)


def test_a_death_at_the_end_of_a_job_frees_a_session_lock_at_any_moment(explorer: Explorer) -> None:
    """Another may have seen the job's effect, been refused the lock and said so by then."""

    def job() -> object:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_lock(7), (SELECT count(*) FROM races_effect),"
                " (SELECT count(*) FROM races_account)"
            )
            mine, *seen = cursor.fetchone()
        (Effect if mine else Account).objects.create()
        return seen

    faults = Faults(kills=1, spared=frozenset({"B"}))

    def ends(*, reduce: bool) -> set[str]:
        found = set()
        with explorer.scenario([job, lambda: job()], faults=faults) as scenario:
            for explored in scenario.search(reduce=reduce):
                if explored.whole:
                    left = Effect.objects.count(), Account.objects.count()
                    found.add(repr((left, [each.value for each in explored.run.outcomes()])))
        return found

    assert ends(reduce=True) == ends(reduce=False)
