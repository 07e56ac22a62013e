"""The sandbox's own store: one SQLite file, written before any reply leaves.

A committed transaction outlives a kill -9 of the process (write-ahead log), which is what makes the
log the truth about what was really sent, charged and shipped.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = (Path(__file__).parent / "schema.sql").read_text()


class Store:
    """One connection to the file, shared by the threads of a process. Processes share the file."""

    def __init__(self, home: Path) -> None:
        self._db = sqlite3.connect(
            home / "sandbox.sqlite3", timeout=20, isolation_level=None, check_same_thread=False
        )
        self._db.row_factory = sqlite3.Row
        self._lock = threading.Lock()
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction, one at a time; committed at the end, rolled back on an exception."""
        # Immediate: a reader that turns writer half-way would meet SQLITE_BUSY.
        with self._between("BEGIN IMMEDIATE"):
            yield self._db

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """The store as it is at one moment, for reading; it holds up nobody who writes."""
        with self._between("BEGIN"):
            yield self._db

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        with self._lock:
            self._db.execute(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        with self._lock:
            self._db.close()
