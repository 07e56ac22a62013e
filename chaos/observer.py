"""The checkers' own eyes: SQL on a connection of their own, since they trust none of our code."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

NAME = "chaos"  # as PostgreSQL lists these sessions


class OutOfSight(Exception):
    """PostgreSQL did not answer; there may be a fault on."""


class Observer:
    """Reads the database, connecting anew whenever a fault has ended its session. Thread-safe.

    `patience`, in seconds, is for those who must not wait for a server that is frozen: it keeps the
    sessions that it has, and says nothing.
    """

    def __init__(self, url: str, patience: float | None = None) -> None:
        self._url = url
        self._patience = patience
        self._lock = threading.Lock()
        self._session: psycopg.Connection[Any] | None = None

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement, hence of one snapshot. Raises OutOfSight."""
        with self._lock:
            was_there = self._session is not None
            try:
                return self._ask(sql, parameters)
            except OutOfSight:
                if not was_there:
                    raise
            return self._ask(sql, parameters)  # only the old session was gone, perhaps

    def insist(
        self, sql: str, parameters: Sequence[Any] = (), *, patience: float = 60
    ) -> list[tuple[Any, ...]]:
        """As `ask`, again and again for `patience` seconds; then OutOfSight."""
        latest = time.monotonic() + patience
        while True:
            try:
                return self.ask(sql, parameters)
            except OutOfSight:
                if time.monotonic() > latest:
                    raise
            time.sleep(0.2)

    def close(self) -> None:
        """Close the session; a further question opens another."""
        with self._lock:
            self._drop()

    def _ask(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            session = self._connected()
            with _cut_after(self._patience, session):
                found = session.execute(sql, parameters or None)
                return found.fetchall() if found.description else []
        except psycopg.Error as error:
            self._drop()
            raise OutOfSight(str(error)) from error

    def _connected(self) -> psycopg.Connection[Any]:
        if self._session is None:
            self._session = psycopg.connect(
                self._url, autocommit=True, connect_timeout=3, application_name=NAME
            )
        return self._session

    def _drop(self) -> None:
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.close()
        self._session = None


@contextmanager
def _cut_after(patience: float | None, session: psycopg.Connection[Any]) -> Iterator[None]:
    """End the session from this side where what is inside takes longer."""
    if patience is None:
        yield
        return
    # A descriptor of its own: the session's may be closed by then, and mean another socket.
    with socket.socket(fileno=os.dup(session.fileno())) as end:
        timer = threading.Timer(patience, end.shutdown, [socket.SHUT_RDWR])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
