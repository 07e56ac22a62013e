"""Switchable faults: which of them a request meets.

Kinds add up: each is drawn on its own for every request, so one request may be slow *and* lose its
reply. The draw depends on the seed and on the request's number only, and the number survives a
restart: the same requests in the same order meet the same faults.
"""

import random
import sqlite3
import time
from dataclasses import dataclass

from sandbox import knobs

KINDS = (
    "slow",
    "rate_limited",
    "error_before",
    "error_after",
    "reply_lost",
    "callback_duplicate",
    "callback_reordered",
    "outage",
)
# Only on demand: a definite refusal, and texts that end badly after they were accepted.
ON_DEMAND = ("refused", "undelivered", "failed")


@dataclass(frozen=True)
class Faults:
    """What happens to one request. `slow` waits `wait_before` the effect and `wait_after` it."""

    number: int  # of the request
    kinds: frozenset[str] = frozenset()
    wait_before: float = 0.0
    wait_after: float = 0.0

    def __contains__(self, kind: str) -> bool:
        return kind in self.kinds


def draw(db: sqlite3.Connection, *, seed: str, provider: str, operation: str) -> Faults:
    """Note the request and say what it meets. Uses up one forced fault, if there is one for it."""
    number = _note_request(db, provider, operation)
    chance = random.Random(f"{seed}:{provider}:{number}")  # noqa: S311  reproducible, not secret
    kinds = {kind for kind, percent in _percents(db, provider) if chance.random() * 100 < percent}
    seconds, point = knobs.number(db, "slow_seconds"), chance.random()
    forced = _take_forced(db, provider, operation)
    if forced:
        kinds.add(forced["kind"])
        seconds = seconds if forced["seconds"] is None else forced["seconds"]
        point = point if forced["point"] is None else forced["point"]
    if not kinds:
        return Faults(number)
    db.execute("UPDATE request SET faults = ? WHERE number = ?", (" ".join(sorted(kinds)), number))
    wait = seconds if "slow" in kinds else 0.0
    return Faults(number, frozenset(kinds), wait_before=wait * point, wait_after=wait * (1 - point))


def note_end(db: sqlite3.Connection, faults: Faults) -> None:
    """Note that nothing is left to do of a request."""
    db.execute("INSERT OR IGNORE INTO ended (number) VALUES (?)", (faults.number,))


def _note_request(db: sqlite3.Connection, provider: str, operation: str) -> int:
    cursor = db.execute(
        "INSERT INTO request (provider, operation, at) VALUES (?, ?, ?)",
        (provider, operation, time.time()),
    )
    return cursor.lastrowid or 0


def _percents(db: sqlite3.Connection, provider: str) -> list[tuple[str, int]]:
    rows = db.execute("SELECT kind, percent FROM misbehaviour WHERE provider = ?", (provider,))
    percents = {row["kind"]: row["percent"] for row in rows}
    # Every kind is drawn each time, in one order, so that turning one on does not shift the others.
    return [(kind, percents.get(kind, 0)) for kind in KINDS]


def _take_forced(db: sqlite3.Connection, provider: str, operation: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM forced WHERE provider = ? AND coalesce(operation, ?) = ?"
        " ORDER BY id LIMIT 1",
        (provider, operation, operation),
    ).fetchone()
    if row:
        db.execute("DELETE FROM forced WHERE id = ?", (row["id"],))
    return row
