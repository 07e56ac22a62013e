"""Takes one lock, one condition, one constraint out of the SQL, to see whether it is needed."""

from collections.abc import Callable

Rewrite = Callable[[str], str]


def unchanged(sql: str) -> str:
    """The statement as it is."""
    return sql
