"""Takes one lock, one condition out of the SQL at a time, to see whether it is needed.

A mutation is found by looking at the statements of a run: each row lock, each SKIP LOCKED, each
condition of a statement that writes or locks is one, in whichever of its WHERE clauses it stands.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from .errors import NothingMutated

Rewrite = Callable[[str], str]

_ROW_LOCK = re.compile(
    r"\s+FOR\s+(?:NO\s+KEY\s+UPDATE|KEY\s+SHARE|UPDATE|SHARE)(?:\s+OF\s+\S+)?(?:\s+SKIP\s+LOCKED)?"
)
_SKIP = re.compile(r"\s+SKIP\s+LOCKED")
_ADVISORY = re.compile(r"pg_(?:try_)?advisory_xact_lock(?=\()")
_WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\b")
_NAMES_THE_ROW = re.compile(r'(?:"?\w+"?\.)?"?(?:id|sku|handler)"?\s*(?:=|IN\b)')
_WHERE = re.compile(r"\bWHERE\s+", re.IGNORECASE)
_INSERTS = re.compile(r'\bINSERT\s+INTO\s+"?(\w+)', re.IGNORECASE)
_ON_CONFLICT = re.compile(r"\s+ON\s+CONFLICT\s*\(([^()]*)\)\s*DO\b", re.IGNORECASE)
_STRING = re.compile(r"'(?:[^']|'')*'")
_WORD = re.compile(
    r"[()]|\b(?:CASE|END|BETWEEN|AND|RETURNING|LIMIT|FOR|HAVING|UNION|(?:ORDER|GROUP)\s+BY"
    r"|ON\s+CONFLICT)\b",
    re.IGNORECASE,
)
"""What a WHERE clause nests by, joins its conditions by, or ends at."""


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


def plain_insert(table: str, columns: Collection[str]) -> Rewrite:
    """Takes ON CONFLICT over these columns out: without their constraint it is no valid SQL."""

    def rewrite(sql: str) -> str:
        plain = _masked(sql)
        into, upsert = _INSERTS.search(plain), _ON_CONFLICT.search(plain)
        if not into or not upsert or into[1] != table:
            return sql
        if {name.strip(' "') for name in upsert[1].split(",")} != set(columns):
            return sql
        *_, (_, end) = _joined(plain, upsert.end())
        return sql[: upsert.start()] + sql[end:]

    return rewrite


def _removals(sql: str) -> Iterator[tuple[str, str]]:
    for pattern in (_SKIP, _ROW_LOCK):
        for found in pattern.finditer(sql):
            yield found[0].strip(), sql[: found.start()] + sql[found.end() :]
    for found in _ADVISORY.finditer(sql):
        first, last = found.start(), found.end() + _closes(sql[found.end() :]) + 1
        # the arguments stay, for their parameters: PostgreSQL folds it to true and calls nothing
        yield (
            sql[first:last],
            f"{sql[:first]}({sql[found.end() : last]} IS NULL OR TRUE){sql[last:]}",
        )
    if _WRITES.search(sql) or _ROW_LOCK.search(sql):
        yield from _conditions(sql)


def _conditions(sql: str) -> Iterator[tuple[str, str]]:
    """Each condition of each WHERE; it is made true, so that its parameters stay in place."""
    plain = _masked(sql)
    for where in _WHERE.finditer(plain):
        for first, last in _conjuncts(plain, where.end()):
            condition = sql[first:last]
            if not condition or _closes(f"({plain[first:last]})") != last - first + 1:
                raise ValueError(f"“{condition}” cannot be cut out of “{sql}”.")
            # one that says which row is meant guards nothing
            if not _NAMES_THE_ROW.match(condition):
                yield condition, f"{sql[:first]}(({condition}) OR TRUE){sql[last:]}"


def _masked(sql: str) -> str:
    """The same, as long, with nothing to be found in its strings."""
    return _STRING.sub(lambda string: "'" + "_" * (len(string[0]) - 2) + "'", sql)


def _conjuncts(sql: str, start: int) -> Iterator[tuple[int, int]]:
    """Where the conditions lie of the clause that begins there, those in parentheses one by one."""
    for first, last in _joined(sql, start):
        clause = sql[first:last]
        if _closes(clause) == last - first - 1 and not clause.startswith("(SELECT"):
            yield from _conjuncts(sql, first + 1)
        else:
            yield first, last


def _joined(sql: str, start: int) -> Iterator[tuple[int, int]]:
    """The parts between the ANDs, up to what ends the clause."""
    depth, between, end = 0, False, len(sql)
    for found in _WORD.finditer(sql, start):
        word = found[0].upper()
        if word in ("(", "CASE"):
            depth += 1
        elif depth:
            depth -= word in (")", "END")
        elif word == "BETWEEN" or (word == "AND" and between):
            between = not between
        elif word == "AND":
            yield _trimmed(sql, start, found.start())
            start = found.end()
        else:
            end = found.start()
            break
    yield _trimmed(sql, start, end)


def _trimmed(sql: str, start: int, end: int) -> tuple[int, int]:
    text = sql[start:end]
    return end - len(text.lstrip()), start + len(text.rstrip())


def _closes(clause: str) -> int:
    """Where the parenthesis closes that the clause begins with; -1 where it does not."""
    depth = 0
    for position, character in enumerate(clause):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return position if position else -1
    return -1
