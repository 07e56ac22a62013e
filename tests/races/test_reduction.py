"""The reduction leaves nothing out: random programs end the same in a reduced and a full search."""

import pytest

from races.explorer import Explorer, catalog, statement
from races.explorer.catalog import Catalog
from races.explorer.dependency import DELETE, INSERT, KEY_SHARE, UPDATE, WRITE, Footprint, names
from races.explorer.dependency import independent as swap
from races.explorer.programs import SCHEMA
from races.explorer.reduction import compare


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
    """The catalogue of the random programs' tables, with an index of each kind that is no key."""
    control = explorer.server.connection
    control.execute(SCHEMA, prepare=False)
    control.execute("CREATE UNIQUE INDEX ON race_parent (v) WHERE v > 5", prepare=False)
    control.execute("CREATE UNIQUE INDEX ON race_item ((v + 1))", prepare=False)
    return catalog.read(control)


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
