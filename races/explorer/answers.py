"""A statement's answer or error, short enough for a timeline."""

from typing import Any

import psycopg

_SHOWN_ROWS, _SHOWN_COLUMNS, _SHOWN_WIDTH = 3, 3, 40


def error(caught: BaseException) -> str:
    """The error as PostgreSQL gave it: its class and first line."""
    cause = caught.__cause__ if isinstance(caught.__cause__, psycopg.Error) else caught
    text = str(cause).splitlines()[0] if str(cause) else ""
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


def rows(cursor: Any) -> str:
    """The statement's answer, short: values where they are few, else how many rows."""
    result = getattr(getattr(cursor, "cursor", None), "pgresult", None)
    if result is None:
        return ""
    if not result.nfields:
        count = result.command_tuples
        return "" if count is None else f"({count} row{'s' if count != 1 else ''})"
    if 0 < result.ntuples <= _SHOWN_ROWS and result.nfields <= _SHOWN_COLUMNS:
        return "→ " + "; ".join(_row(result, number) for number in range(result.ntuples))
    return f"→ {result.ntuples} row{'s' if result.ntuples != 1 else ''}"


def _row(result: Any, number: int) -> str:
    values = (result.get_value(number, column) for column in range(result.nfields))
    text = ", ".join(
        "NULL" if value is None else value.decode(errors="replace") for value in values
    )
    return text if len(text) <= _SHOWN_WIDTH else text[: _SHOWN_WIDTH - 1] + "…"
