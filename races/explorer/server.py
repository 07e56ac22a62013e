"""The explorer's own view of PostgreSQL: who waits for whom, and the power to hold or end one.

``pg_blocking_pids`` is right as soon as the holder's COMMIT has returned. Nothing is modelled: what
waits here waits in PostgreSQL.
"""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from .errors import ExplorerError, ServerNotControlled

_GONE_WITHIN = 5.0  # seconds that a terminated backend may take to disappear
_REMEDY = (
    "The explorer holds, cancels and ends backends and needs a PostgreSQL of its own: "
    "local, autovacuum off, connected to as a superuser, its processes ours to signal."
)


class Server:
    """A control connection that is no part of any scenario."""

    def __init__(self, **parameters: Any) -> None:
        """Connect with psycopg's parameters; raise ServerNotControlled where that is not enough."""
        self.connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=1)
        self.connection.execute("SET lock_timeout = '5s'")
        try:
            self._check()
        except BaseException:
            self.connection.close()
            raise

    @property
    def pid(self) -> int:
        """The control connection's backend."""
        return self.connection.info.backend_pid

    def waits_for(self, pids: Iterable[int]) -> dict[int, set[int]]:
        """For each backend, the backends it waits for now."""
        rows = self.connection.execute(
            "SELECT pid, pg_blocking_pids(pid) FROM unnest(%s::int[]) pid", [list(pids)]
        )
        return {pid: set(blockers) for pid, blockers in rows}

    def cancel(self, pid: int) -> None:
        """End what the backend is waiting for; it gets an error."""
        self.connection.execute("SELECT pg_cancel_backend(%s)", [pid])

    def terminate(self, pid: int) -> None:
        """End the backend and wait until its locks are gone."""
        # pg_terminate_backend(pid, timeout) looks only every 100 ms
        self.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        deadline = time.monotonic() + _GONE_WITHIN
        while self.connection.execute("SELECT pg_stat_get_backend_pid(i) FROM "
            "pg_stat_get_backend_idset() i WHERE pg_stat_get_backend_pid(i) = %s", [pid]
        ).fetchone():  # fmt: skip
            if time.monotonic() > deadline:
                raise ExplorerError(f"Backend {pid} did not end within {_GONE_WITHIN:g} s.")
            time.sleep(0.0002)

    def hold(self, pid: int) -> None:
        """Stop a backend, so that it cannot notice that its lock was granted."""
        os.kill(pid, signal.SIGSTOP)

    def thaw(self, pid: int) -> None:
        """Let a held backend go on."""
        os.kill(pid, signal.SIGCONT)

    def activity(self, pid: int) -> str:
        """What the backend does, in one line, for messages."""
        row = self.connection.execute(
            "SELECT state, wait_event_type, wait_event, left(query, 200) "
            "FROM pg_stat_activity WHERE pid = %s", [pid]
        ).fetchone()  # fmt: skip
        return "its backend is gone" if row is None else " ".join(str(part) for part in row if part)

    def end_strangers(self, ours: Iterable[int]) -> None:
        """End every other session that is in a transaction here: a thread left behind."""
        rows = self.connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> ALL (%s::int[]) AND backend_type = 'client backend' "
            "AND (xact_start IS NOT NULL OR EXISTS (SELECT FROM pg_locks l "
            "     WHERE l.pid = pg_stat_activity.pid AND l.locktype = 'advisory'))",
            [[*ours, self.pid]],
        ).fetchall()
        for (pid,) in rows:
            self.terminate(pid)

    def close(self) -> None:
        """Give the control connection back."""
        self.connection.close()

    def _check(self) -> None:
        superuser, autovacuum = self.connection.execute(
            "SELECT rolsuper, current_setting('autovacuum') FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone() or (False, "")
        if not superuser:
            raise ServerNotControlled(f"This role is no superuser. {_REMEDY}")
        if autovacuum != "off":
            raise ServerNotControlled(f"autovacuum is on: rows would move by chance. {_REMEDY}")
        self._check_signals()

    def _check_signals(self) -> None:
        try:
            os.kill(self.pid, 0)
        except OSError as error:
            raise ServerNotControlled(f"Backend {self.pid}: {error.strerror}. {_REMEDY}") from error
        command = Path(f"/proc/{self.pid}/cmdline")
        if command.exists() and b"postgres" not in command.read_bytes():
            raise ServerNotControlled(f"Process {self.pid} here is not its backend. {_REMEDY}")
