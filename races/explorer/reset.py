"""Puts the database back between two runs, physically too.

DELETE, VACUUM, then INSERT from a copy: the rows stand where they stood, so that a scan meets (and
locks) them in the same order each time. DELETE and INSERT alone would drift, TRUNCATE is slower.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql

_TABLES = """
    SELECT c.relname, array_agg(a.attname::text ORDER BY attnum)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
         AND attgenerated = ''
    WHERE relkind = 'r' AND nspname = current_schema() GROUP BY 1 ORDER BY 1
"""
_SEQUENCES = """
    SELECT s.relname, COALESCE(t.relname, '') FROM pg_class s
    JOIN pg_namespace n ON n.oid = s.relnamespace
    LEFT JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
         AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    LEFT JOIN pg_class t ON t.oid = d.refobjid
    WHERE s.relkind = 'S' AND nspname = current_schema()
"""
_OF_NO_TABLE = ""  # sequences that belong to none; whoever draws from them cannot be told


class Snapshot:
    """The content of a database's tables at one moment, kept in a schema of its own."""

    def __init__(self, connection: "psycopg.Connection[Any]", schema: str) -> None:
        """Copy every table that has rows. The connection is in autocommit mode."""
        self._connection = connection
        self._schema = schema
        self._columns: dict[str, list[str]] = dict(connection.execute(_TABLES).fetchall())
        self._sequences = self._read_sequences()
        self._filled = {table for table in self._columns if self._has_rows(table)}
        self._copy()

    def restore(self, tables: Iterable[str] | None = None) -> None:
        """Put the tables (all of them, by default) back as they were."""
        chosen = sorted(self._columns if tables is None else self._columns.keys() & set(tables))
        if not chosen:
            return
        self._run(self._deletes(chosen))
        self._run([sql.SQL("VACUUM ") + sql.SQL(", ").join(map(sql.Identifier, chosen))])
        self._run(self._inserts(chosen))

    def drop(self) -> None:
        """Remove the copies."""
        self._run(
            [sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(self._schema))]
        )

    def _read_sequences(self) -> dict[str, list[tuple[str, int, bool]]]:
        found: dict[str, list[tuple[str, int, bool]]] = {}
        for sequence, table in self._connection.execute(_SEQUENCES).fetchall():
            query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(sequence))
            last, called = self._connection.execute(query).fetchone() or (1, False)
            found.setdefault(table, []).append((sequence, last, called))
        return found

    def _has_rows(self, table: str) -> bool:
        query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {})").format(sql.Identifier(table))
        return bool((self._connection.execute(query).fetchone() or (False,))[0])

    def _copy(self) -> None:
        self.drop()
        schema = sql.Identifier(self._schema)
        parts = [sql.SQL("CREATE SCHEMA {}").format(schema)]
        parts += [
            sql.SQL("CREATE TABLE {}.{} AS SELECT {} FROM ONLY {}").format(
                schema, sql.Identifier(table), self._list(table), sql.Identifier(table)
            )
            for table in sorted(self._filled)
        ]
        self._run(parts)

    def _deletes(self, tables: list[str]) -> list[sql.Composable]:
        # replica: neither foreign keys nor triggers that refuse a DELETE are asked
        deletes = [sql.SQL("DELETE FROM ONLY {}").format(sql.Identifier(table)) for table in tables]
        return [sql.SQL("SET LOCAL session_replication_role = replica"), *deletes]

    def _inserts(self, tables: list[str]) -> list[sql.Composable]:
        parts: list[sql.Composable] = [sql.SQL("SET LOCAL session_replication_role = replica")]
        for table in [*tables, _OF_NO_TABLE]:
            if table in self._filled:
                parts.append(self._insert(table))
            for sequence, last, called in self._sequences.get(table, ()):
                name = sql.Literal(f'"{sequence}"')
                parts.append(sql.SQL("SELECT setval({}, {}, {})").format(name, last, called))
        return parts

    def _insert(self, table: str) -> sql.Composable:
        copy = sql.SQL("{}.{}").format(sql.Identifier(self._schema), sql.Identifier(table))
        return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
            sql.Identifier(table), self._list(table), self._list(table), copy
        )

    def _list(self, table: str) -> sql.Composable:
        return sql.SQL(", ").join(map(sql.Identifier, self._columns[table]))

    def _run(self, parts: Sequence[sql.Composable]) -> None:
        # several statements without parameters go in one round trip, as one transaction
        self._connection.execute(sql.SQL("; ").join(parts), prepare=False)
