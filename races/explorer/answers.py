"""Statements, answers and errors as a timeline shows them: short, and the same in each run."""

import re
from functools import lru_cache
from typing import Any

import psycopg

_SHOWN_ROWS, _SHOWN_WIDTH = 3, 60
_QUALIFIED = re.compile(r'"\w+"\."(\w+)"')
_LISTED = re.compile(r"^SELECT (.{30,}?) FROM ", re.DOTALL)
_UUID = re.compile(r"'?\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b'?(?:::uuid)?")
_MOMENT = re.compile(
    r"'?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*(?:[+-]\d\d(?::?\d\d)?|Z)?'?(::\w+)?"
)
_DAY = re.compile(r"'?\b20\d\d-\d\d-\d\d\b'?(?:::date)?")
_SAVEPOINT = re.compile(r'"?s\d+_x\d+"?')
_HASH = re.compile(r"'[0-9a-f]{64}'")
_HOST = re.compile(r"'[\w.-]+:\d+'")
_UNSTEADY = (
    (_UUID, "<id>"),
    (_MOMENT, "<time>"),
    (_DAY, "<day>"),
    (_SAVEPOINT, "savepoint"),
    (_HASH, "<hash>"),
    (_HOST, "<worker>"),
)


def statement(connection: Any, sql: str, params: Any) -> str:
    """The statement with its values, shortened."""
    try:
        text = str(connection.ops.compose_sql(sql, params))
    except Exception:  # a picture of the statement is not worth an error
        text = sql
    return brief(text)


@lru_cache(maxsize=4096)
def brief(text: str) -> str:
    """Without quotes, qualified names, long column lists, and what chance or the clock put in."""
    text = _QUALIFIED.sub(r"\1", steady(" ".join(text.split()))).replace('"', "")
    text = text.replace(" LIMIT 21", "")
    return _LISTED.sub("SELECT … FROM ", text)


def error(caught: BaseException) -> str:
    """The error as PostgreSQL gave it: its class and first line."""
    cause = caught.__cause__ if isinstance(caught.__cause__, psycopg.Error) else caught
    text = str(cause).splitlines()[0] if str(cause) else ""
    return steady(f"{type(cause).__name__}: {text}" if text else type(cause).__name__)


def rows(cursor: Any) -> str:
    """The statement's answer, short: values where they are few, else how many rows."""
    result = getattr(getattr(cursor, "cursor", None), "pgresult", None)
    if result is None:
        return ""
    if not result.nfields:
        count = result.command_tuples
        return "" if count is None else f"({count} row{'s' if count != 1 else ''})"
    if 0 < result.ntuples <= _SHOWN_ROWS:
        return "→ " + "; ".join(_row(result, number) for number in range(result.ntuples))
    return f"→ {result.ntuples} rows"


def _row(result: Any, number: int) -> str:
    values = [_value(result, number, column) for column in range(result.nfields)]
    if len(values) > 1:
        values = [f"{_name(result, column)}={value}" for column, value in enumerate(values)]
    text = steady(", ".join(values))
    return text if len(text) <= _SHOWN_WIDTH else text[: _SHOWN_WIDTH - 1] + "…"


def _value(result: Any, number: int, column: int) -> str:
    value = result.get_value(number, column)
    return "NULL" if value is None else value.decode(errors="replace")


def _name(result: Any, column: int) -> str:
    return (result.fname(column) or b"").decode(errors="replace")


@lru_cache(maxsize=4096)  # each step is replayed in hundreds of schedules
def steady(text: str) -> str:
    """Ids and times differ from run to run: leave them out."""
    for pattern, word in _UNSTEADY:
        text = pattern.sub(word, text)
    return text
