"""Turning the sandbox's knobs and reading its log, from any process that can reach its home.

It works on the store, so the log can be read while the sandbox is down, and a fault that is
switched on here meets the very next request.
"""

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from sandbox import home, knobs, shipping
from sandbox.misbehaviour import KINDS, ON_DEMAND
from sandbox.payments import log as payments_log
from sandbox.sms import messages
from sandbox.store import Store

LOGS: dict[str, Callable[[Connection], list[dict[str, Any]]]] = {
    "sms": messages.log,
    "payments": payments_log.of,
    "shipping": shipping.log,
}
PROVIDERS = tuple(LOGS)
RECORDS = (
    *("sms_message", "sms_number", "payment_object", "payment_metadata", "idempotency_key"),
    *("shipment", "callback", "request", "ended", "forced", "misbehaviour", "knob"),
)


class Control:
    """The switches of the sandbox in one home. Every method raises ValueError for a wrong word."""

    def __init__(self, place: Path | None = None) -> None:
        self._store = Store(place or home.find())

    def log(self, provider: str) -> list[dict[str, Any]]:
        """What the provider really did, oldest first."""
        with self._store.snapshot() as db:
            return LOGS[_provider(provider)](db)

    def misbehave(self, provider: str, kind: str, percent: int) -> None:
        """From now on, this share of the provider's requests meets this fault. 0 ends it."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; there are {', '.join(KINDS)}")
        if not 0 <= percent <= 100:
            raise ValueError(f"percent is a whole number from 0 to 100, not {percent}")
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO misbehaviour (provider, kind, percent) VALUES (?, ?, ?)",
                (_provider(provider), kind, percent),
            )

    def behaviour(self, provider: str) -> dict[str, int]:
        """The kinds that are switched on, with their percent."""
        with self._store.snapshot() as db:
            rows = db.execute(
                "SELECT kind, percent FROM misbehaviour WHERE provider = ? AND percent > 0",
                (_provider(provider),),
            ).fetchall()
        return {row["kind"]: row["percent"] for row in rows}

    def reset(self, provider: str | None = None) -> None:
        """End the misbehaviour of one provider or of all, the forced faults included."""
        for name in PROVIDERS if provider is None else (_provider(provider),):
            with self._store.transaction() as db:
                db.execute("DELETE FROM misbehaviour WHERE provider = ?", (name,))
                db.execute("DELETE FROM forced WHERE provider = ?", (name,))

    def force(
        self,
        provider: str,
        kind: str,
        *,
        times: int = 1,
        operation: str | None = None,
        seconds: float | None = None,
        point: float | None = None,
    ) -> None:
        """The next `times` requests (of one operation, if named) meet this fault for certain.

        For `slow`: it waits `seconds` in all, and the effect happens at `point` (0: before the
        wait, 1: after it). Forced faults queue up; each request uses up one.
        """
        if kind not in KINDS + ON_DEMAND:
            raise ValueError(f"unknown kind {kind!r}; there are {', '.join(KINDS + ON_DEMAND)}")
        row = (_provider(provider), kind, operation, seconds, point)
        with self._store.transaction() as db:
            db.executemany(
                "INSERT INTO forced (provider, kind, operation, seconds, point)"
                " VALUES (?, ?, ?, ?, ?)",
                [row] * times,
            )

    def requests(self, provider: str) -> list[dict[str, Any]]:
        """Every request that reached the provider: number, operation, time, faults."""
        with self._store.snapshot() as db:
            rows = db.execute(
                "SELECT number, operation, at, faults FROM request WHERE provider = ?"
                " ORDER BY number",
                (_provider(provider),),
            ).fetchall()
        return [dict(row) | {"faults": row["faults"].split()} for row in rows]

    def under_way(self, provider: str) -> int:
        """How many requests the provider is still at work on; a killed one stays at it for ever."""
        with self._store.snapshot() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM request WHERE provider = ?"
                " AND number NOT IN (SELECT number FROM ended)",
                (_provider(provider),),
            ).fetchone()
        return int(count)

    def callbacks_waiting(self, provider: str) -> int:
        """How many callbacks are still to be delivered."""
        with self._store.snapshot() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM callback WHERE provider = ?", (_provider(provider),)
            ).fetchone()
        return int(count)

    def turn(self, knob: str, value: str | float) -> None:
        """Set a knob (see knobs.py), at once and over restarts."""
        with self._store.transaction() as db:
            knobs.turn(db, knob, str(value))

    def answer_number(self, number: str, code: int) -> None:
        """Texts to this number meet Twilio's error `code`: 21xxx at once, 30xxx on delivery."""
        with self._store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO sms_number VALUES (?, ?)", (number, code))

    def forget_idempotency_keys(self) -> None:
        """Do now what time does to idempotency keys."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM idempotency_key")

    def clear(self) -> None:
        """Forget everything, the log included: a fresh start, for tests."""
        with self._store.transaction() as db:
            for table in RECORDS:
                db.execute(f"DELETE FROM {table}")  # noqa: S608  a literal of this file

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def _provider(name: str) -> str:
    if name not in PROVIDERS:
        raise ValueError(f"unknown provider {name!r}; there are {', '.join(PROVIDERS)}")
    return name
