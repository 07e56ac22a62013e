"""What the moments of a run amount to: who read what, who changed what, and when it showed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from races.explorer.dependency import CHANGES
from races.explorer.schedule import KILL
from races.explorer.step import COMMIT, POINT, ROLLBACK
from races.recording.recorder import Seen

_LONGEST = 74
_NOTHING_DONE = ("(0 rows)", "→ 0 rows")
_SELECT = re.compile(r"SELECT .*? FROM (\w+).*", re.DOTALL)
_UPDATE = re.compile(r"UPDATE (\w+) SET (.*?)( WHERE .*)?", re.DOTALL)
_ASSIGNED = re.compile(r"(\w+) = ((?:\([^)]*\)|'[^']*'|[^,])+)")
_VALUE = re.compile(r"(\w+)=([^,;…]*)")


@dataclass(frozen=True)
class Change:
    """A change by one worker, and the row at which everybody could see it; 0: never."""

    seen: Seen
    tables: frozenset[str]
    shows: int


@dataclass(frozen=True)
class Fault:
    """Where it went wrong (a turn), and how."""

    turn: int
    sentence: str


@dataclass(frozen=True)
class Broken:
    """A run that broke its claim."""

    seen: Sequence[Seen]
    stuck: Sequence[str] = ()
    outside: Sequence[str] = ()  # acts of the environment, by the worker's name


def base(worker: str) -> str:
    """A and A' do the same job."""
    return worker.rstrip("'")


def done(seen: Sequence[Seen]) -> Iterator[Seen]:
    """Statements that were carried out; not those that wait, fail or are a death."""
    return (each for each in seen if not (each.waits or each.failed or each.kind == KILL))


def reads(seen: Sequence[Seen]) -> Iterator[tuple[Seen, str]]:
    """Every plain look at a table."""
    for each in done(seen):
        if each.text.startswith("SELECT") and each.kind != POINT:
            for table in sorted(each.footprint.reads):
                yield each, table


def changes(seen: Sequence[Seen]) -> list[Change]:
    """Every change that was made, in the order in which they were made."""
    found = []
    for each in done(seen):
        tables = frozenset(
            table for table, modes in each.footprint.takes.items() if modes & CHANGES
        )
        if tables and each.kind not in (COMMIT, ROLLBACK) and not is_nothing(each):
            found.append(Change(each, tables, _shows(each, seen)))
    return found


def is_nothing(each: Seen) -> bool:
    """It met no row."""
    return each.result.endswith(_NOTHING_DONE)


def calls(seen: Sequence[Seen]) -> list[Seen]:
    """Calls of what is outside the database."""
    return [each for each in done(seen) if each.kind == POINT]


def said(each: Seen, after: Seen | None = None) -> str:
    """The statement in a few words, in quotation marks.

    ``after``: what its worker had read; an UPDATE is then told by what it sets otherwise.
    """
    if each.kind == POINT:
        return each.text
    if found := _SELECT.fullmatch(each.text):
        return f"“SELECT … FROM {found[1]}{_lock(each.text)}”"
    if found := _UPDATE.fullmatch(each.text):
        known = dict(_VALUE.findall(after.result)) if after else {}
        sets = _ASSIGNED.findall(found[2])
        new = [f"{name} = {value}" for name, value in sets if known.get(name) != value]
        chosen = new or [f"{name} = {value}" for name, value in sets]
        more = " …" if len(chosen) > 2 or len(new) < len(sets) or found[3] else ""
        return f"“UPDATE {found[1]} SET {', '.join(chosen[:2])}{more}”"
    return f"“{_short(each.text)}”"


def answered(each: Seen, change: Seen | None = None) -> str:
    """The answer in brackets: of a change's columns, where it is known which it was."""
    sets = _UPDATE.fullmatch(change.text) if change else None
    values = _VALUE.findall(each.result)
    known = dict(values)
    assigned = _ASSIGNED.findall(sets[2]) if sets else []
    columns = {name for name, value in assigned if known.get(name) != value}
    if values:
        told = [f"{name}={value}" for name, value in values if name in columns]
        telling = [
            f"{name}={value}"
            for name, value in values
            if not name.endswith(("id", "version", "token")) and "<" not in value
        ]
        told = told or telling
        return f" ({', '.join(told[:2])})" if told else ""
    answer = each.result.removeprefix("→ ").strip("() ")
    return f" ({answer})" if answer and len(answer) <= 40 else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def _lock(text: str) -> str:
    found = re.search(r" FOR (?:NO KEY )?UPDATE", text)
    return f" …{found[0]}" if found else ""


def _shows(change: Seen, seen: Sequence[Seen]) -> int:
    if change.footprint.commits:
        return change.row
    for each in seen[change.row :]:
        if each.worker != change.worker:
            continue
        if each.kind == COMMIT and not each.failed:
            return each.row
        if each.kind in (KILL, ROLLBACK) or each.failed:
            return 0
    return 0
