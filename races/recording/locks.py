"""Who holds and who waits, from one row of a timeline to another.

A wait is PostgreSQL's own word (``pg_blocking_pids``). Which rows a transaction holds PostgreSQL
tells nobody; that comes from its statements, of those that met a row. A lock in Redis is held from
the SET that found it free to whichever DEL comes first.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from races.explorer.dependency import DELETE, INSERT, NO_KEY_UPDATE, SHARE, UPDATE, WRITE
from races.explorer.session import Session
from races.explorer.step import POINT, Step
from races.recording.data import HOLD, WAIT, Span

_WORDS = {
    DELETE: "deleted", WRITE: "changed", INSERT: "new row",
    UPDATE: "FOR UPDATE", NO_KEY_UPDATE: "FOR NO KEY UPDATE", SHARE: "FOR SHARE",
}  # fmt: skip
_ADVISORY = "advisory lock"
_NO_ROWS = ("(0 rows)", "→ 0 rows", "→ f")
_REDIS_SET = re.compile(r"redis: SET (\S+) \S+ NX")
_REDIS_DEL = re.compile(r"redis: (?:DEL|GETDEL) (\S+)")


@dataclass
class _Open:
    worker: str
    kind: str
    table: str
    words: list[str]
    first: int

    def closed(self, last: int) -> Span:
        words = "" if not self.words else f", {self.words[0]}"
        return Span(self.worker, self.kind, f"{self.table}{words}", self.first, last)


@dataclass
class Locks:
    """Gathers spans while a run goes on."""

    spans: list[Span] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _users: dict[str, set[str]] = field(default_factory=dict)  # of each table
    _rows: dict[str, int] = field(default_factory=dict)  # of each worker's newest moment

    def note(self, row: int, worker: str, step: Step, note: str) -> None:
        """One moment of a run."""
        self._rows[worker] = row
        if note.startswith("waits for "):
            self._open.append(_Open(worker, WAIT, note.removeprefix("waits for "), [], row))
            return
        if note.startswith("waits on"):
            return
        self._close(row, lambda each: each.kind == WAIT and each.worker == worker)
        if step.kind == POINT:
            self._note_redis(row, worker, step.text)
            return
        for table in step.footprint.tables:
            self._users.setdefault(table, set()).add(worker)
        if not step.failed and not step.result.endswith(_NO_ROWS):
            self._take(row, worker, step)

    def release(self, sessions: Mapping[str, Session]) -> None:
        """After a turn: close, at its worker's newest row, what no open transaction holds on."""

        def let_go(each: _Open) -> bool:
            if each.kind == WAIT or each.table.startswith("Redis "):
                return False
            held = sessions[each.worker].held
            return each.table not in held.frees and not (
                each.table == _ADVISORY and _ADVISORY in held.keys
            )

        for each in [each for each in self._open if let_go(each)]:
            self._open.remove(each)
            self.spans.append(each.closed(self._rows[each.worker]))

    def died(self, row: int, worker: str) -> None:
        """Its process was killed: it waits for nothing any more."""
        self._rows[worker] = row
        self._close(row, lambda each: each.kind == WAIT and each.worker == worker)

    def end(self, row: int) -> list[Span]:
        """All spans, but those over rows that nobody else has to do with."""
        self._close(row, lambda each: True)
        return sorted(
            (span for span in self.spans if self._matters(span)),
            key=lambda span: (span.first, span.worker),
        )

    def _take(self, row: int, worker: str, step: Step) -> None:
        taken = {
            table: [_WORDS[mode] for mode in _WORDS if mode in modes]
            for table, modes in step.footprint.takes.items()
        }
        if _ADVISORY in step.footprint.keys and step.footprint.frees == {}:
            taken[_ADVISORY] = []
        for table, words in taken.items():
            if words or table == _ADVISORY:
                self._begin(row, worker, table, words)

    def _begin(self, row: int, worker: str, table: str, words: list[str]) -> None:
        held = (each for each in self._open if (each.worker, each.table) == (worker, table))
        if next(held, None) is None:
            self._open.append(_Open(worker, HOLD, table, words, row))

    def _note_redis(self, row: int, worker: str, text: str) -> None:
        if found := _REDIS_SET.match(text):
            table = f"Redis {found[1]}"
            if not any(each.table == table for each in self._open):
                self._begin(row, worker, table, [])
                self._users[table] = {worker, ""}
        elif found := _REDIS_DEL.match(text):
            self._close(row, lambda each: each.table == f"Redis {found[1]}")

    def _close(self, row: int, ends: Callable[[_Open], bool]) -> None:
        going = [each for each in self._open if ends(each)]
        self._open = [each for each in self._open if each not in going]
        self.spans += [each.closed(row) for each in going]

    def _matters(self, span: Span) -> bool:
        if span.kind == WAIT:
            return True
        table = span.what.partition(",")[0]
        shared = len(self._users.get(table, ())) > 1 or table == _ADVISORY
        return shared and span.last > span.first and not span.what.endswith(_WORDS[INSERT])
