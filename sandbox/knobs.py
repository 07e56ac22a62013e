"""Settings that can be turned while the sandbox runs; the environment gives their start values."""

import os
import sqlite3

DEFAULTS = {
    "slow_seconds": "3",  # what one `slow` request waits in all
    "sms_step_seconds": "0.2",  # queued -> sent, and sent -> delivered
    "sms_list_lag_seconds": "0",  # how long a new message is missing from the list
    "payments_webhook_url": "",  # where events go; empty: nowhere
    "payments_search_lag_seconds": "0",  # how long a new intent is missing from the search
    "payments_key_seconds": "86400",  # after which an idempotency key is forgotten
}
MOST_SECONDS = 10_000_000


def text(db: sqlite3.Connection, name: str) -> str:
    """A knob's value: as turned, else SANDBOX_<NAME> from the environment, else the default."""
    row = db.execute("SELECT value FROM knob WHERE name = ?", (name,)).fetchone()
    return row["value"] if row else os.environ.get(f"SANDBOX_{name.upper()}", DEFAULTS[name])


def number(db: sqlite3.Connection, name: str) -> float:
    """The value of a knob that holds seconds."""
    return float(text(db, name))


def turn(db: sqlite3.Connection, name: str, value: str) -> None:
    """Set a knob, at once and over restarts. Raises ValueError for a wrong name or number."""
    if name not in DEFAULTS:
        raise ValueError(f"unknown knob {name!r}; there are {', '.join(DEFAULTS)}")
    if name.endswith("_seconds") and not 0 <= float(value) <= MOST_SECONDS:
        raise ValueError(f"{name} is a number of seconds, 0 to {MOST_SECONDS}, not {value!r}")
    db.execute("INSERT OR REPLACE INTO knob (name, value) VALUES (?, ?)", (name, value))
