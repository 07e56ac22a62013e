"""Takes one lock, one condition out of the SQL at a time, to see whether it is needed.

A mutation is found by looking at the statements of a run: each row lock, each SKIP LOCKED, each
condition of an UPDATE or of a locking SELECT is one.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .errors import NothingMutated

Rewrite = Callable[[str], str]

_ROW_LOCK = re.compile(
    r"\s+FOR\s+(?:NO\s+KEY\s+UPDATE|KEY\s+SHARE|UPDATE|SHARE)(?:\s+OF\s+\S+)?(?:\s+SKIP\s+LOCKED)?"
)
_SKIP = re.compile(r"\s+SKIP\s+LOCKED")
_ADVISORY = re.compile(r"pg_(?:try_)?advisory_xact_lock(?=\()")
_NAMES_THE_ROW = re.compile(r'\b(?:id|sku|handler)"?\s*(?:=|IN\b)')
_WHERE = re.compile(r"\bWHERE\s+", re.IGNORECASE)
_AFTER_WHERE = re.compile(r"\s+(?:ORDER\s+BY|RETURNING|LIMIT|FOR|GROUP\s+BY)\b", re.IGNORECASE)


def unchanged(sql: str) -> str:
    """The statement as it is."""
    return sql


@dataclass
class Mutation:
    """One thing taken out of one statement; counts how often it was met."""

    statement: str
    removed: str
    mutant: str
    met: int = 0

    def __call__(self, sql: str) -> str:
        """Rewrite the statement that this is about, and leave all others."""
        if " ".join(sql.split()) != self.statement:
            return sql
        self.met += 1
        return self.mutant

    def demand_met(self) -> None:
        """Raises NothingMutated where no statement was the one meant: the verdict says nothing."""
        if not self.met:
            raise NothingMutated(f"No statement was “{self.statement[:200]}”.")


def mutations(statements: Iterable[str]) -> Iterator[Mutation]:
    """Every single removal in these statements."""
    for statement in dict.fromkeys(" ".join(sql.split()) for sql in statements):
        for removed, mutant in _removals(statement):
            yield Mutation(statement, removed, mutant)


def _removals(sql: str) -> Iterator[tuple[str, str]]:
    for pattern in (_SKIP, _ROW_LOCK):
        if found := pattern.search(sql):
            yield found[0].strip(), sql[: found.start()] + sql[found.end() :]
    if found := _ADVISORY.search(sql):
        first, last = found.start(), found.end() + _closes(sql[found.end() :]) + 1
        # the arguments stay, for their parameters: PostgreSQL folds it to true and calls nothing
        yield (
            sql[first:last],
            f"{sql[:first]}({sql[found.end() : last]} IS NULL OR TRUE){sql[last:]}",
        )
    if sql.upper().startswith(("UPDATE", "DELETE")) or _ROW_LOCK.search(sql):
        yield from _conditions(sql)


def _conditions(sql: str) -> Iterator[tuple[str, str]]:
    """Each condition of the last WHERE; it is made true, so that its parameters stay in place."""
    places = list(_WHERE.finditer(sql))
    if not places:
        return
    start = places[-1].end()
    end = next((found.start() for found in _AFTER_WHERE.finditer(sql, start)), len(sql))
    clause = sql[start:end]
    inner = (
        clause[1:-1] if clause.startswith("(") and _closes(clause) == len(clause) - 1 else clause
    )
    offset = start + (clause is not inner)
    for first, last in _conjuncts(inner):
        condition = inner[first:last]
        if _NAMES_THE_ROW.search(condition):
            continue  # it says which row is meant, and guards nothing
        if condition.count("(") != condition.count(")"):
            continue  # the clause is part of something larger
        made_true = f"(({condition}) OR TRUE)"
        yield condition, sql[: offset + first] + made_true + sql[offset + last :]


def _conjuncts(clause: str) -> Iterator[tuple[int, int]]:
    depth, start, position = 0, 0, 0
    while position < len(clause):
        depth += {"(": 1, ")": -1}.get(clause[position], 0)
        if depth == 0 and clause[position : position + 5].upper() == " AND ":
            yield start, position
            start = position + 5
        position += 1
    yield start, len(clause)


def _closes(clause: str) -> int:
    depth = 0
    for position, character in enumerate(clause):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return position
    return -1
