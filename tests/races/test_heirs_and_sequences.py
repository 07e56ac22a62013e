"""Partitions, heirs, sequences: rows of several names, and what no rollback puts back."""

from collections.abc import Iterator

import pytest
from django.db import connection

from races.explorer import Explorer, catalog, statement


@pytest.fixture
def heirs(explorer: Explorer) -> Iterator[None]:
    """A partitioned table, one with an heir, and a sequence of no table."""
    control = explorer.server.connection
    drop = (
        "DROP TABLE IF EXISTS race_parted, race_heir, race_ancestor; "
        "DROP SEQUENCE IF EXISTS race_free"
    )
    control.execute(
        f"""
        {drop};
        CREATE TABLE race_parted (v int) PARTITION BY LIST (v);
        CREATE TABLE race_part PARTITION OF race_parted DEFAULT;
        CREATE TABLE race_ancestor (v int);
        CREATE TABLE race_heir () INHERITS (race_ancestor);
        INSERT INTO race_parted VALUES (1);
        INSERT INTO race_ancestor VALUES (1);
        INSERT INTO race_heir VALUES (2);
        CREATE SEQUENCE race_free
        """,
        prepare=False,
    )
    explorer.take_charge()
    yield
    control.execute(drop, prepare=False)
    explorer.take_charge()


@pytest.mark.parametrize("table", ["race_parted", "race_part", "race_ancestor", "race_heir"])
def test_a_table_that_has_several_names_touches_everything(
    explorer: Explorer, heirs: None, table: str
) -> None:
    read = statement.read(f"SELECT v FROM {table}", catalog.read(explorer.server.connection))
    assert read.footprint.everything


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO race_parted VALUES (7) RETURNING (SELECT sum(v) FROM race_parted)",
        "INSERT INTO race_heir VALUES (7) RETURNING (SELECT sum(v) FROM race_ancestor)",
        "SELECT nextval('race_free')",
        "SELECT nextval('races_effect_id_seq')",
    ],
)
def test_partitions_heirs_and_sequences_are_put_back(
    explorer: Explorer, heirs: None, sql: str
) -> None:
    def job() -> object:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()

    found = []
    with explorer.scenario([job]) as scenario:
        for _ in range(3):
            found += scenario.replay("").run.outcomes()
    assert len({outcome.value for outcome in found}) == 1
