"""What is committed by now, where it differs from the start: what anybody else would see."""

import json
from typing import Any

from psycopg import sql

from races.explorer import answers

_START = "race_start"  # the schema in which the explorer keeps the start state
_MOST_ROWS, _MOST_FACTS, _WIDEST = 4, 4, 24
_OFTEN = ("_at", "_id", "version", "operation", "worker")  # columns that change along

Rows = dict[Any, dict[str, Any]]


class World:
    """Looks at the tables that a run has changed."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._before: dict[str, Rows] = {}

    def tell(self, tables: set[str]) -> str:
        """The differences, a few words each: ``races_account: credits 1 → 0``."""
        facts = [fact for table in sorted(tables) for fact in self._facts(table)]
        return "; ".join(facts[:_MOST_FACTS])

    def _facts(self, table: str) -> list[str]:
        before, now = self._start(table), self._read("public", table)
        facts = []
        if len(before) != len(now):
            facts.append(f"{table}: {_rows(len(before))} → {len(now)}")
        for key in list(before.keys() & now.keys())[:_MOST_ROWS]:
            facts += [
                f"{table}{f' {key}' if len(before) > 1 else ''}: {name} {old} → {new}"
                for name, old, new in _changed(before[key], now[key])
            ]
        return facts

    def _start(self, table: str) -> Rows:
        if table not in self._before:
            known = self._connection.execute("SELECT to_regclass(%s)", [f"{_START}.{table}"])
            filled = known.fetchone()[0] is not None
            self._before[table] = self._read(_START, table) if filled else {}
        return self._before[table]

    def _read(self, schema: str, table: str) -> Rows:
        query = sql.SQL("SELECT to_jsonb(t)::text FROM {}.{} t LIMIT 50").format(
            sql.Identifier(schema), sql.Identifier(table)
        )
        # a number as PostgreSQL writes it, 90.00 and not 90.0
        rows = [json.loads(row, parse_float=str) for (row,) in self._connection.execute(query)]
        return {row.get("id", number): row for number, row in enumerate(rows)}


def _changed(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    pairs = [
        (name, answers.steady(str(before.get(name))), answers.steady(str(value)))
        for name, value in now.items()
        if not name.endswith(_OFTEN) and not isinstance(value, dict | list)
    ]
    return [
        (name, old, new) for name, old, new in pairs if old != new and len(old + new) <= _WIDEST
    ]


def _rows(count: int) -> str:
    return "no row" if count == 0 else f"{count} row{'s' if count != 1 else ''}"
