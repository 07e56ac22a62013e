"""The reduction leaves nothing out: random programs end the same in a reduced and a full search."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from races.explorer import Explorer, catalog, statement
from races.explorer.catalog import Catalog
from races.explorer.dependency import DELETE, INSERT, KEY_SHARE, UPDATE, WRITE, Footprint, names
from races.explorer.dependency import independent as swap
from races.explorer.faults import Faults
from races.explorer.programs import SCHEMA
from races.explorer.reduction import compare
from races.explorer.transaction import OpenTransaction
from races.models import Account, Effect


@pytest.mark.parametrize(
    ("workers", "size", "kills", "seeds", "largest"),
    [
        (2, 3, 0, range(10), 150),
        (3, 1, 0, range(500, 504), 100),
        (2, 1, 1, range(900, 904), 150),
        (2, 1, 1, range(3960, 3961), 150),
    ],
    ids=["two workers", "three workers", "a death", "a death that leaves a sequence advanced"],
)
def test_random_programs_end_the_same(
    explorer: Explorer, workers: int, size: int, kills: int, seeds: range, largest: int
) -> None:
    found = list(compare(explorer, seeds, workers, size, kills, largest))
    tried = [each for each in found if not each.too_large]
    assert [each.seed for each in tried if not each.agrees] == []
    assert len(tried) >= len(found) // 2
    assert sum(each.reduced for each in tried) < sum(each.full for each in tried)


def test_a_plain_read_depends_on_commits_alone() -> None:
    read = Footprint(reads=frozenset({"t"}))
    write = Footprint(takes=names(["t"], WRITE))
    commit = Footprint(frees=names(["t"], WRITE), commits=True)
    rollback = Footprint(frees=names(["t"], WRITE))
    assert swap(read, write)
    assert swap(read, rollback)
    assert not swap(read, commit)


def test_foreign_keys_do_not_disturb_updates_of_the_parent() -> None:
    child = Footprint(takes=names(["t"], KEY_SHARE))
    assert swap(child, Footprint(takes=names(["t"], WRITE)))
    assert not swap(child, Footprint(takes=names(["t"], DELETE)))
    assert swap(Footprint(takes=names(["t"], INSERT)), Footprint(takes=names(["t"], UPDATE)))


def test_a_strict_transaction_depends_on_whatever_it_meets() -> None:
    strict = Footprint(reads=frozenset({"t"}), strict=True)
    assert not swap(strict, Footprint(takes=names(["t"], WRITE)))
    first = Footprint(reads=frozenset({"other"}), strict=True, snapshot=True)
    assert not swap(first, Footprint(frees=names(["t"], WRITE), commits=True))


def test_two_that_wait_depend_on_each_other() -> None:
    waits = Footprint(takes=names(["t"], WRITE), blocked=True)
    assert not swap(waits, Footprint(takes=names(["u"], WRITE), blocked=True))


@pytest.fixture
def known(explorer: Explorer) -> Catalog:
    """The catalogue of the random programs' tables, with an index of each kind that is no key.

    And with a table whose name must be quoted, and a view.
    """
    control = explorer.server.connection
    control.execute(SCHEMA, prepare=False)
    control.execute("CREATE UNIQUE INDEX ON race_parent (v) WHERE v > 5", prepare=False)
    control.execute("CREATE UNIQUE INDEX ON race_item ((v + 1))", prepare=False)
    control.execute('CREATE TABLE "race-item" (id int)', prepare=False)
    control.execute("CREATE VIEW race_seen AS SELECT 1 AS id", prepare=False)
    found = catalog.read(control)
    control.execute('DROP TABLE "race-item"; DROP VIEW race_seen', prepare=False)
    return found


def test_a_temporary_table_is_in_nobodys_way(known: Catalog) -> None:
    read = statement.read("UPDATE race_item SET v = n FROM staged", known).footprint
    assert read.takes == names(["race_item"], WRITE)
    assert not statement.read("DELETE FROM staged", known).footprint.takes


@pytest.mark.parametrize(
    ("sql", "private"),
    [
        ("COPY staged (id) FROM STDIN", True),
        ("COPY race_item FROM STDIN", False),
        ("COPY Race_Item(id) FROM STDIN", False),
        ('COPY "Race_Item" FROM STDIN', True),
        ('COPY "race-item" FROM STDIN', False),
        ("COPY public.race_item FROM STDIN", False),
        ("COPY race_seen FROM STDIN", False),
        ("ANALYZE", False),
        ("ANALYZE VERBOSE", False),
        ("ANALYZE staged", True),
        ('ANALYZE "verbose"', True),
        ("CREATE TEMP TABLE IF NOT EXISTS race_item (id int)", False),
    ],
)
def test_a_table_is_ones_own_by_its_whole_name(known: Catalog, sql: str, private: bool) -> None:
    assert statement.is_private(sql, known) == private


@pytest.mark.parametrize(
    ("sql", "takes"),
    [
        ('DELETE FROM "race-item"', {"race-item": DELETE}),
        ('INSERT INTO "public"."race-item" VALUES (1)', {"race-item": INSERT}),
        ("INSERT INTO Race_Item VALUES (1)", {"race_item": INSERT}),
        ("UPDATE RACE_PARENT SET ID = 2", {"race_parent": DELETE}),
        ('UPDATE "RACE_ITEM" SET v = 2', {}),
    ],
)
def test_a_table_is_known_by_its_whole_name_in_whatever_case(
    known: Catalog, sql: str, takes: dict[str, str]
) -> None:
    own = statement.read(sql, known).footprint.takes
    assert {table: own.get(table) for table in takes} == {
        table: frozenset({mode}) for table, mode in takes.items()
    }
    assert takes or not own


def test_a_table_that_is_named_again_in_other_letters_is_read(known: Catalog) -> None:
    copied = "INSERT INTO race_log SELECT * FROM RACE_LOG"
    assert "race_log" in statement.read(copied, known).footprint.reads


@pytest.mark.parametrize(
    ("update", "free"),
    [
        ("UPDATE race_parent SET v = 3 WHERE id = 1", True),
        ("UPDATE race_parent SET u = 3 WHERE id = 1", False),
        ("UPDATE race_parent SET v = (SELECT v FROM race_item), u = 3 WHERE id = 1", False),
        ("UPDATE race_parent SET (v, u) = (3, 3) WHERE id = 1", False),
        ("WITH x AS (UPDATE race_parent SET u = 3 RETURNING id) SELECT * FROM x", False),
        ("INSERT INTO race_parent VALUES (1) ON CONFLICT (id) DO UPDATE SET u = 3", False),
    ],
)
def test_who_changes_what_could_be_a_key_holds_up_who_refers_to_the_row(
    known: Catalog, update: str, free: bool
) -> None:
    """As PostgreSQL does: in any plain unique index, whether a foreign key refers to it or not."""
    child = statement.read("INSERT INTO race_strict_child VALUES (1, 1)", known).footprint
    assert swap(child, statement.read(update, known).footprint) == free


def test_the_catalogue_knows_plain_unique_columns_and_numbered_tables(known: Catalog) -> None:
    assert known.unique["race_parent"] == {"id", "u"}
    assert known.unique["race_item"] == {"id"}
    assert "race_log" in known.numbered
    assert "race_item" not in known.numbered


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_notify('x', '')",
        "SELECT count(*) FROM pg_stat_activity",
        "SELECT 1 FROM pg_catalog.pg_locks",
        "SELECT 1 FROM information_schema.tables",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "LISTEN x",
        "CREATE TABLE staged (id int)",
        "ANALYZE race_item",
        "DROP TABLE race_item",
        "DROP TABLE staged, race_item",
        "COPY race_item FROM STDIN",
    ],
)
def test_what_the_text_does_not_tell_touches_everything(known: Catalog, sql: str) -> None:
    assert not statement.is_silent(sql)
    assert statement.read(sql, known).footprint.everything


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT v FROM race_item",
        "CREATE TEMPORARY TABLE staged (id int)",
        "ANALYZE staged",
        "DROP TABLE staged",
    ],
)
def test_what_the_text_tells_touches_what_it_says(known: Catalog, sql: str) -> None:
    assert not statement.read(sql, known).footprint.everything


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
