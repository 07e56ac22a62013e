"""The courier: delivers the callbacks that are due, signed as their provider signs them."""

import http.client
import sqlite3
import threading
import time
from typing import Any, Self
from urllib.parse import urlsplit

from sandbox.credentials import Credentials
from sandbox.payments import webhooks
from sandbox.sms import status_callbacks
from sandbox.store import Store

THREADS = 4
LOOKOUT_SECONDS = 0.03  # how late a callback may leave
TIMEOUT_SECONDS = 5.0
LEASE_SECONDS = 2 * TIMEOUT_SECONDS  # after a kill -9 in between, the callback goes out again
LONGEST_PAUSE_SECONDS = 60.0
SIGNERS = {"sms": status_callbacks.sign, "payments": webhooks.sign}
# Twilio tries again once, and only where no connection came about; Stripe insists for days.
ATTEMPTS = {"sms": 2, "payments": 15}


class Courier:
    """Delivers what is due. Several threads, so that one slow receiver holds up nobody else."""

    def __init__(self, store: Store, credentials: Credentials) -> None:
        self._store = store
        self._credentials = credentials
        self._stopped = threading.Event()
        self._lookout = threading.Lock()

    def __enter__(self) -> Self:
        for _ in range(THREADS):
            threading.Thread(target=self._work, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            with self._lookout:  # one thread looks out, the others deliver
                callback = self._claim()
                if callback is None:
                    self._stopped.wait(LOOKOUT_SECONDS)
            if callback is not None:
                self._settle(callback, self._post(callback))

    def _claim(self) -> sqlite3.Row | None:
        with self._store.snapshot() as db:
            due = db.execute(
                "SELECT id FROM callback WHERE due_at <= ? ORDER BY due_at, id LIMIT 1",
                (time.time(),),
            ).fetchone()
        return self._lease(due["id"]) if due else None

    def _lease(self, callback_id: int) -> sqlite3.Row | None:
        with self._store.transaction() as db:
            row: sqlite3.Row | None = db.execute(
                "UPDATE callback SET attempts = attempts + 1, due_at = ? WHERE id = ? RETURNING *",
                (time.time() + LEASE_SECONDS, callback_id),
            ).fetchone()
        return row

    def _post(self, callback: sqlite3.Row) -> int | None:
        """The status of the receiver's answer, or None where there was none."""
        address = urlsplit(callback["url"])
        secure = address.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
        payload, headers = SIGNERS[callback["provider"]](callback, self._credentials)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        try:
            connection.request("POST", target, payload, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def _settle(self, callback: sqlite3.Row, status: int | None) -> None:
        attempts = callback["attempts"]
        with self._store.transaction() as db:
            if (
                _received(callback["provider"], status)
                or attempts >= ATTEMPTS[callback["provider"]]
            ):
                db.execute("DELETE FROM callback WHERE id = ?", (callback["id"],))
            else:
                pause = min(2.0 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
                db.execute(
                    "UPDATE callback SET due_at = ? WHERE id = ?",
                    (time.time() + pause, callback["id"]),
                )


def _received(provider: str, status: int | None) -> bool:
    if provider == "sms":
        return status is not None
    return status is not None and 200 <= status < 300
