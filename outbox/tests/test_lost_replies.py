"""A connection that dies around the COMMIT: what was written of it is not written again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

import outbox
from outbox.models import Message
from outbox.tests.conftest import AN_HOUR, deliver, enqueue

pytestmark = pytest.mark.django_db(transaction=True)

Cut = Callable[[bool], None]


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    """Let the connection die at the next COMMIT: before it, or after it and before its reply."""

    def at_the_next_commit(takes_effect: bool) -> None:
        def commit() -> None:
            monkeypatch.undo()
            if takes_effect:
                connection._commit()
            connection.connection.close()
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(connection, "commit", commit)

    return at_the_next_commit


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize(
    ("error", "attempts", "kinds"),
    [(LookupError("busy"), 1, ["failed"]), (outbox.Fatal("refused"), 1, ["failed", "dead"])],
)
def test_a_failure_is_counted_once(
    declare: Any, cut: Cut, takes_effect: bool, error: Exception, attempts: int, kinds: list[str]
) -> None:
    def fail() -> None:
        cut(takes_effect)
        raise error

    handler, message = declare(fail), enqueue()
    deliver(handler, message)
    if not takes_effect:
        kinds = ["failed"]  # of the connection, which is the failure that was seen last
    message.refresh_from_db()
    assert message.attempts == attempts
    assert list(message.events.values_list("kind", flat=True)) == kinds
    assert message.due_at > message.created_at


def test_a_snooze_of_an_hour_stays_one(declare: Any, cut: Cut) -> None:
    def snooze() -> None:
        cut(True)
        raise outbox.Snooze(AN_HOUR, "not yet")

    handler = declare(snooze, retry=outbox.Retry(base=timedelta(seconds=1)))
    message = enqueue()
    deliver(handler, message)
    message.refresh_from_db()
    assert (message.attempts, message.events.get().kind) == (0, "snoozed")
    assert message.due_at > timezone.now() + timedelta(minutes=50)


@pytest.mark.parametrize("takes_effect", [False, True])
def test_an_effect_happens_once(declare: Any, ledger: Any, cut: Cut, takes_effect: bool) -> None:
    def effect() -> None:
        ledger.add("effect")
        cut(takes_effect)

    handler, message = declare(effect), enqueue()
    deliver(handler, message)
    message.refresh_from_db()
    assert message.attempts == 1
    assert (message.state, ledger.all()) == (
        ("done", ["effect"]) if takes_effect else ("pending", [])
    )


@pytest.mark.parametrize("takes_effect", [False, True])
def test_a_batch_is_taken_apart_once(declare: Any, cut: Cut, takes_effect: bool) -> None:
    def fail(messages: list[Message]) -> None:
        if len(messages) > 1:
            cut(takes_effect)
        raise LookupError("one of them")

    handler = declare(fail, name="tests.batch", batch_size=2)
    messages = [enqueue(handler="tests.batch") for _ in range(2)]
    deliver(handler, *messages)
    told = [list(one.events.values_list("kind", flat=True)) for one in messages]
    assert told == [["isolated", "failed"], ["isolated", "failed"]]  # the latter alone
