"""Handlers whose runs end as the machine says, and a table of their effects."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Protocol

import pytest
from django.db import connection, transaction

import outbox
from outbox import consumer, dispatch, handlers, relay, runs
from outbox.delivery import Delivery
from outbox.models import Message
from tests.stateful.model_of_outbox import DONE, FATAL, RULES, SNOOZE, Declared, Model

HOUR = timedelta(hours=1)
HERE = Delivery(worker="here:1")
DECLARED = {
    "stateful.one": Declared("stateful.one", limit=3, late="drop"),
    "stateful.kept": Declared("stateful.kept", limit=2, late="run"),
    "stateful.many": Declared("stateful.many", limit=2, late="ask", size=3),
}
UNIQUE = dict(
    zip(RULES, (outbox.FOREVER, outbox.for_period(HOUR), outbox.WHILE_PENDING), strict=True)
)


class Killed(BaseException):
    """Stands for SIGKILL inside one process: no handler of exceptions gets to see it."""


class RunsForEver(BaseException):
    """An act has had more runs than all messages together have fates."""


MOST_RUNS = 200
"""More than any act may need: what is never put off is told from what takes its time."""


class Machine(Protocol):
    """Whom the handlers ask how a run shall end."""

    model: Model
    killing: bool
    runs: int


running: list[Machine] = []
"""The machine of the example at hand."""


def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run one statement; what it returns, if anything."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def take_effect(messages: list[Message]) -> None:
    """The effects, in a table; then the end that the model has in mind."""
    machine = running[-1]
    machine.runs += 1
    if machine.runs > MOST_RUNS:
        raise RunsForEver
    fates = {machine.model.messages[one.id].fate for one in messages}
    for one in messages:
        sql("INSERT INTO stateful_effect VALUES (%s)", str(one.id))
    if machine.killing:
        raise Killed
    for fate in fates - {DONE}:
        if fate == FATAL:
            raise outbox.Fatal(fate)
        if fate == SNOOZE:
            raise outbox.Snooze(HOUR)
        if fate == "cut":
            sql("SELECT pg_terminate_backend(pg_backend_pid())")
        if fate == "swallow":
            transaction.set_rollback(True)
            return
        raise outbox.Transient(fate)


def note_abandoned(args: dict[str, Any], state: str, reason: str) -> None:
    sql("INSERT INTO stateful_effect VALUES (%s)", state)


@pytest.fixture
def outbox_world(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, quiet: None
) -> Iterator[None]:
    """Three handlers, a table of effects, dispatches that nobody sends, crashes seen at once."""
    monkeypatch.setattr(dispatch, "send", lambda *_, **__: True)
    monkeypatch.setattr(runs, "GRACE", timedelta(0))
    monkeypatch.setattr(relay, "GRACE", timedelta(0))
    monkeypatch.setattr(consumer, "TIME_SLICE", HOUR)  # however busy the machine is
    known = dict(handlers._registry)
    for one in DECLARED.values():
        handlers.handler(
            one.name,
            batch_size=one.size,
            late=outbox.Late(one.late),
            retry=outbox.Retry(limit=one.limit, base=HOUR, cap=HOUR),
            on_abandoned=note_abandoned,
        )(take_effect if one.size else lambda variant: take_effect([outbox.current_message()]))
    sql("CREATE TABLE IF NOT EXISTS stateful_effect (what text)")
    yield
    sql("DROP TABLE stateful_effect")
    handlers._registry.clear()
    handlers._registry.update(known)
