"""Stands on one Django connection and makes every statement, commit and rollback a step."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import psycopg
from django.db import OperationalError, ProgrammingError, connections

from . import answers, points, statement, text
from .catalog import Catalog
from .dependency import NOTHING, Footprint
from .errors import Killed
from .schedule import ACK
from .step import COMMIT, ROLLBACK, STATEMENT, Step
from .transaction import OpenTransaction, autocommitted

if TYPE_CHECKING:
    from .session import Session

_PREPARE = """
    SET deadlock_timeout = '1h'; SET lock_timeout = 0; SET jit = off;
    SET application_name = '{}'
"""
_COMMIT = re.compile(r"\s*(COMMIT|END)\b", re.IGNORECASE)
_ROLLBACK = re.compile(r"\s*(ROLLBACK|ABORT)\b(?!\s+TO)", re.IGNORECASE)
_BEGIN = re.compile(r"\s*(BEGIN|START)\b", re.IGNORECASE)
_DEFAULTS = re.compile(
    r"\s*(?:RESET|DISCARD)\b|\bdefault_transaction_isolation\b|\bSESSION\s+CHARACTERISTICS\b",
    re.IGNORECASE,
)
_LEVEL_IN_A_CALL = re.compile(
    r"\bset_config\s*\(\s*'(?:default_)?transaction_isolation'", re.IGNORECASE
)
_NOT_OR_NOW = re.compile(r"\s*LOCK\b.*\bNOWAIT\b", re.IGNORECASE | re.DOTALL)
_SESSION_LOCK = re.compile(r"\bpg_(?:try_)?advisory_lock", re.IGNORECASE)
_IDLE = psycopg.pq.TransactionStatus.IDLE


class Wiretap:
    """Between a worker's callable and its connection."""

    def __init__(self, session: Session, catalog: Catalog, rewrite: Callable[[str], str]) -> None:
        self._session = session
        self._catalog = catalog
        self._rewrite = rewrite
        self._connection: Any = connections[session.alias]
        self._transaction: OpenTransaction | None = None
        self._cleanup: set[str] = set()
        self._named: list[Any] = []  # cursors that PostgreSQL keeps
        self._strict = False  # transactions that name no level; once so, until the job has ended
        self.lasting: frozenset[str] = frozenset()  # what outlasts the job, and no death

    def __enter__(self) -> Wiretap:
        connection = self._connection
        connection.ensure_connection()
        self._meet_connection()
        self._strict = self._session.strict
        self._real = (connection._commit, connection._rollback, connection.set_autocommit)
        connection._commit, connection._rollback = self._commit, self._rollback
        connection.set_autocommit = self._set_autocommit
        self._real_cursor, connection.create_cursor = connection.create_cursor, self._cursor
        connection.execute_wrappers.append(self._statement)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.execute_wrappers.remove(self._statement)
        del self._connection._commit, self._connection._rollback, self._connection.set_autocommit
        del self._connection.create_cursor

    def leave_clean(self, *, abandoned: bool) -> None:
        """Leave nothing for the next run: neither transaction nor lock, nor a broken connection."""
        connection = self._connection
        raw = connection.connection
        if raw is None or raw.closed or (self._session.dead and not abandoned):
            self._renew(None)
        elif not connection.autocommit or raw.info.transaction_status != _IDLE:
            raw.rollback()
            raw.autocommit = True
            self._renew(raw)
        if self._cleanup and raw is not None and not raw.closed:
            # Ours come back after what took them away.
            ours_last = sorted(self._cleanup, key=lambda sql: (sql == self._settings(), sql))
            raw.execute("; ".join(ours_last), prepare=False)
        for cursor in self._named:  # by now this asks nothing of the server
            cursor.close()

    @property
    def held(self) -> Footprint:
        """What the open transaction would let go if it ended now without commit."""
        return self._transaction.end(commits=False) if self._transaction else NOTHING

    # -- steps

    def _cursor(self, name: str | None = None) -> Any:
        """A cursor that refuses what Django's wrappers do not see, and so is no step."""
        cursor = self._real_cursor(name)
        if name is not None:
            self._named.append(cursor)
        copy = cursor.copy

        def copied(sql: Any, *its: Any, **more: Any) -> Any:
            if not statement.is_private(str(sql), self._catalog):
                _refuse("COPY", "INSERT the rows, or copy them into a temporary table")
            return copy(sql, *its, **more)

        cursor.copy = copied
        cursor.callproc = cursor.stream = lambda name, *_, **__: _refuse(name, "execute() it")
        return cursor

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._session.dead:
            raise Killed
        self._meet_connection()
        said = text.uncommented(str(sql))
        self._check(said, many, context["cursor"].cursor)
        step = self._step_for(str(sql), said)
        if step is None:
            result = execute(sql, params, many, context)
            if _DEFAULTS.search(said):
                self._strict = self._strict or self._is_strict()
            return result

        step.shown = answers.statement(self._connection, sql, params)

        def really() -> Any:
            result = execute(self._rewrite(sql), params, many, context)
            step.result = answers.rows(context["cursor"])
            return result

        return self._take(step, really)

    def _take(self, step: Step, really: Callable[[], Any]) -> Any:
        order = self._session.wait(step)
        try:
            result = really()
        except Exception as error:
            step.failed, step.result = True, answers.error(error)
            step.malformed = isinstance(error, ProgrammingError)  # SQLSTATE 42…
            self._raise_deadlock(step)
            raise
        finally:
            if step.kind in (COMMIT, ROLLBACK):
                self._transaction = None
            self._session.came_back()
        if order == ACK:
            step.reply_lost = True
            self._lose_reply()
        return result

    def _check(self, said: str, many: bool, cursor: Any) -> None:
        """Refuse what is more than one step, and what meets others unseen."""
        if many or text.is_several(said):
            points.refuse("Several statements at once are no step: execute() each by itself.")
        if _LEVEL_IN_A_CALL.search(said):
            points.refuse("set_config() of an isolation level is not understood: SET it instead.")
        if _NOT_OR_NOW.match(said):
            points.refuse(
                "LOCK TABLE … NOWAIT is not understood: it meets those who have but read the table,"
                " and whose COMMIT is tried at one moment only. Lock it without NOWAIT."
            )
        if isinstance(cursor, psycopg.ServerCursor):
            footprint = statement.read(said, self._catalog).footprint
            if footprint != Footprint(reads=footprint.reads):
                points.refuse(
                    "A cursor that PostgreSQL keeps, as iterator() does, locks rows and calls"
                    " functions when it is fetched from, which is no step: fetch all at once."
                )

    def _step_for(self, sql: str, said: str) -> Step | None:
        self._note_leftovers(said)
        if statement.is_silent(said):
            if _BEGIN.match(said):
                self._transaction = OpenTransaction(strict=self._strict)
            if self._in_transaction():
                self._open().note_setting(said)
            return None
        if _COMMIT.match(said) or _ROLLBACK.match(said):
            return self._end_step(commits=bool(_COMMIT.match(said)))
        if statement.is_rollback_to_savepoint(said):
            footprint = self._open().back_to_savepoint()
            return Step(STATEMENT, text.template(sql), footprint)
        read = statement.read(sql, self._catalog)
        if self._in_transaction():
            return Step(STATEMENT, read.text, self._open().run(read))
        footprint = autocommitted(read, strict=self._strict)
        return Step(STATEMENT, read.text, footprint, may_lose_reply=footprint.may_change)

    def _commit(self) -> None:
        self._end(commits=True, really=self._real[0])

    def _rollback(self) -> None:
        if not self._session.dead:
            self._end(commits=False, really=self._real[1])

    def _set_autocommit(self, *args: Any, **kwargs: Any) -> None:
        if not self._session.dead:  # else its error would hide the death from the callable
            self._real[2](*args, **kwargs)

    def _end(self, *, commits: bool, really: Callable[[], None]) -> None:
        raw = self._connection.connection
        if raw is None or raw.closed or raw.info.transaction_status == _IDLE:
            self._transaction = None
            really()
        else:
            self._take(self._end_step(commits=commits), really)

    def _end_step(self, *, commits: bool) -> Step:
        footprint = self._open().end(commits=commits)
        if commits:
            return Step(COMMIT, "COMMIT", footprint, may_lose_reply=footprint.may_change)
        return Step(ROLLBACK, "ROLLBACK", footprint)

    # -- the transaction that the connection is in

    def _in_transaction(self) -> bool:
        return not self._connection.autocommit or self._transaction is not None

    def _open(self) -> OpenTransaction:
        if self._transaction is None:
            level = self._connection.connection.isolation_level
            strict = level is not None and level >= psycopg.IsolationLevel.REPEATABLE_READ
            self._transaction = OpenTransaction(strict=strict or self._strict)
        return self._transaction

    # -- faults

    def _raise_deadlock(self, step: Step) -> None:
        """The scheduler cancelled this statement because it closed a circle of waits."""
        if self._session.deadlocked:
            self._session.deadlocked = False
            step.result = answers.error(psycopg.errors.DeadlockDetected())
            cause = psycopg.errors.DeadlockDetected("deadlock detected")
            raise OperationalError("deadlock detected") from cause

    def _lose_reply(self) -> None:
        self._session.lose_connection()
        self._connection.connection.close()
        cause = psycopg.OperationalError("server closed the connection unexpectedly")
        error = self._session.lost_reply = OperationalError(str(cause))
        raise error from cause

    def _note_leftovers(self, sql: str) -> None:
        if "advisory" in sql:
            self._cleanup.add("SELECT pg_advisory_unlock_all()")
        if _SESSION_LOCK.search(sql):
            self.lasting = frozenset({statement.ADVISORY_LOCK})
        if re.match(r"\s*SET\s+(?!LOCAL|TRANSACTION)", sql, re.IGNORECASE):
            self._cleanup |= {"RESET ALL", self._settings()}

    def _meet_connection(self) -> None:
        """Know the backend; Django connects again after a lost connection."""
        raw = self._connection.connection
        if self._session.pid != raw.info.backend_pid:
            self._session.pid = raw.info.backend_pid
            raw.execute(self._settings(), prepare=False)
            self._transaction = None
            self._session.strict = self._is_strict()
            self._strict = self._strict or self._session.strict

    def _is_strict(self) -> bool:
        """Ask for the level of transactions that name none: a role may have one of its own."""
        raw = self._connection.connection
        (level,) = raw.execute("SHOW default_transaction_isolation", prepare=False).fetchone()
        return level in ("repeatable read", "serializable")

    def _settings(self) -> str:
        return _PREPARE.format(self._session.name.replace("'", "''"))

    def _renew(self, raw: Any) -> None:
        """Give the thread a new Django connection, on the same backend where that is sound."""
        if raw is None and self._connection.connection is not None:
            self._connection.connection.close()
        del connections[self._session.alias]
        if raw is not None:
            fresh = connections[self._session.alias]
            fresh.connection, fresh.autocommit = raw, True


def _refuse(what: str, instead: str) -> NoReturn:
    points.refuse(f"{what} goes past the explorer, so that nobody could come in: {instead}.")
