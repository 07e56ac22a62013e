"""What a statement touches, by its text and the catalogue, and which two steps may be swapped."""

import pytest
from django.db import connection, transaction

from races.explorer import Explorer, catalog, statement
from races.explorer.catalog import Catalog
from races.explorer.dependency import DELETE, INSERT, KEY_SHARE, UPDATE, WRITE, Footprint, names
from races.explorer.dependency import independent as swap
from races.explorer.programs import SCHEMA
from races.explorer.run import Run
from races.explorer.transaction import OpenTransaction
from races.models import Effect


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

    And with a table whose name must be quoted, one with a rule, and a view.
    """
    control = explorer.server.connection
    control.execute(SCHEMA, prepare=False)
    control.execute("CREATE UNIQUE INDEX ON race_parent (v) WHERE v > 5", prepare=False)
    control.execute("CREATE UNIQUE INDEX ON race_item ((v + 1))", prepare=False)
    control.execute('CREATE TABLE "race-item" (id int)', prepare=False)
    control.execute("CREATE VIEW race_seen AS SELECT 1 AS id", prepare=False)
    control.execute("CREATE TABLE race_ruled (id int)", prepare=False)
    control.execute(
        "CREATE RULE race_rule AS ON INSERT TO race_ruled DO ALSO DELETE FROM race_item",
        prepare=False,
    )
    found = catalog.read(control)
    control.execute('DROP TABLE "race-item", race_ruled; DROP VIEW race_seen', prepare=False)
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
        ("UPDATE race_parent SET v = CASE WHEN v IS DISTINCT FROM 3 THEN 1 END, u = 3", False),
        ("UPDATE race_parent SET v = n FROM race_item WHERE u = 3", True),
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
        "SELECT 1 -- don't lock\n FROM race_item WHERE 'x' = 'x'",
        "SELECT /* don't */ 1 FROM race_item /* lock */ WHERE 'x' = 'x'",
        r"SELECT E'\'' FROM race_item WHERE 'x' = 'x'",
        "SELECT $$'$$ FROM race_item WHERE 'x' = 'x'",
        "SELECT $a$ $$ ' $a$ FROM race_item WHERE 'x' = 'x'",
        "SELECT '--' FROM race_item",
        "SELECT '/*' FROM race_item WHERE '*/' = ''",
        'SELECT 1 AS "--" FROM race_item',
    ],
)
def test_strings_and_comments_hide_nothing(known: Catalog, sql: str) -> None:
    read = statement.read(sql, known).footprint
    assert (read.reads, read.takes) == ({"race_item"}, {})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 -- FROM race_item",
        "SELECT 1 /* FROM race_item */",
        "SELECT $$ FROM race_item $$",
        r"SELECT E'\' FROM race_item'",
    ],
)
def test_strings_and_comments_touch_nothing(known: Catalog, sql: str) -> None:
    assert statement.read(sql, known).footprint.is_empty


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_notify('x', '')",
        "WITH s AS (SELECT 1) MERGE INTO race_item USING s ON true WHEN MATCHED THEN DELETE",
        "SELECT v INTO race_copy FROM race_item",
        "SET LOCAL lock_timeout = '1s'; UPDATE race_item SET v = 5",
        "SELECT 1; CALL race_does_it_all()",
        "INSERT INTO race_ruled VALUES (1)",
        "SELECT 1 /* of /* two */ FROM */ FROM race_item",
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
        "INSERT\n INTO race_item VALUES (1, 1)",
        "CREATE TEMPORARY TABLE staged (id int)",
        "ANALYZE staged",
        "DROP TABLE staged",
    ],
)
def test_what_the_text_tells_touches_what_it_says(known: Catalog, sql: str) -> None:
    assert not statement.read(sql, known).footprint.everything


def _strict_steps(explorer: Explorer, *statements: str) -> list[bool]:
    """Of each step of a worker that says this, then looks alone and in a transaction."""

    def job() -> None:
        with connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
        Effect.objects.count()
        with transaction.atomic():
            Effect.objects.count()

    found = []

    def driver(run: Run) -> None:
        while choices := run.choices():
            found.append(run.step("A").footprint.strict)
            run.take(choices[0])

    with explorer.scenario([job]) as scenario:
        scenario.drive(driver)
    return found


@pytest.mark.parametrize(
    "setting",
    [
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET default_transaction_isolation = 'repeatable read'",
        "SET default_transaction_isolation TO serializable",
    ],
)
def test_a_session_may_be_strict_as_a_whole(explorer: Explorer, setting: str) -> None:
    assert _strict_steps(explorer, setting) == [True, True, True]
    assert _strict_steps(explorer) == [False, False, False]  # on the same connection


def test_a_role_may_be_strict_as_a_whole(explorer: Explorer) -> None:
    control = explorer.server.connection
    control.execute("ALTER ROLE CURRENT_USER SET default_transaction_isolation = 'serializable'")
    try:
        assert _strict_steps(explorer) == [True, True, True]
    finally:
        control.execute("ALTER ROLE CURRENT_USER RESET default_transaction_isolation")


def test_a_comment_hides_neither_where_a_transaction_begins_nor_where_it_ends(
    explorer: Explorer,
) -> None:
    assert _strict_steps(
        explorer,
        "/* strict */ BEGIN",
        "-- now\n SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SELECT 1",
        "/* done */ COMMIT",
    ) == [True, True, False, False, False]


def test_a_transaction_may_be_made_strict_by_its_variable() -> None:
    assert statement.makes_strict("SET LOCAL transaction_isolation = 'serializable'")
    assert statement.makes_strict("SET transaction_isolation TO 'repeatable read'")
    assert not statement.makes_strict("SET transaction_isolation = 'read committed'")


def test_the_snapshot_of_a_transaction_is_taken_behind_its_locks_of_tables(known: Catalog) -> None:
    begun = OpenTransaction(strict=True)
    first, second, third = (
        begun.run(statement.read(sql, known))
        for sql in ("LOCK TABLE race_item", "SELECT 1 FROM race_log", "SELECT 2 FROM race_log")
    )
    assert (first.everything, second.snapshot, third.snapshot) == (True, True, False)
