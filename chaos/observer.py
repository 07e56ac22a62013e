"""The checkers' own eyes: SQL on a connection of their own, since they trust none of our code."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg

NAME = "chaos"  # as PostgreSQL lists these sessions


class OutOfSight(Exception):
    """PostgreSQL did not answer; there may be a fault on."""


class Observer:
    """Reads the database, connecting anew whenever a fault has ended its session. Thread-safe."""

    def __init__(self, url: str) -> None:
        self._url = url
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
            found = self._connected().execute(sql, parameters or None)
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
