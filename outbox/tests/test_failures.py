"""What a failure writes, while the row is still held."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

import outbox
from outbox.models import Message
from outbox.tests.conftest import deliver, enqueue, make_due
from outbox.tests.test_keys import in_thread


@pytest.fixture
def raising(declare: Any, ledger: Any) -> Callable[..., Any]:
    """Declare a handler that does half of its work and raises."""

    def make(error: BaseException, **options: Any) -> Any:
        def fail() -> None:
            ledger.add("half")
            raise error

        return declare(fail, **options)

    return make


def kinds(message: Message) -> list[str]:
    return list(message.events.values_list("kind", flat=True))


@pytest.mark.parametrize("error", [outbox.Transient("busy"), LookupError("busy")])
def test_a_failure_is_undone_counted_and_retried(
    raising: Any, ledger: Any, error: Exception
) -> None:
    handler, message = raising(error), enqueue()
    assert deliver(handler, message).failed == 1
    message.refresh_from_db()
    assert ledger.all() == []
    assert (message.state, message.attempts, kinds(message)) == ("pending", 1, ["failed"])
    assert "busy" in message.last_error
    assert message.due_at >= message.created_at


@pytest.mark.usefixtures("unlogged")
@pytest.mark.parametrize("words", ["a \ud800 half", "a \x00 zero", "long" * 5_000])
def test_whatever_an_error_says_is_written_down(raising: Any, words: str) -> None:
    """PostgreSQL stores neither half a character nor a zero, and people read no novels."""

    def abandoned(args: dict[str, Any], state: str, reason: str) -> None:
        raise LookupError(words)

    handler, message = raising(outbox.Fatal(words), on_abandoned=abandoned), enqueue()
    assert deliver(handler, message).failed == 1
    message.refresh_from_db()
    assert (message.state, message.attempts, kinds(message)) == ("dead", 1, ["failed", "dead"])
    assert len(message.events.last().error) < 9_000


def test_nobody_runs_it_between_the_failure_and_its_note(declare: Any, ledger: Any) -> None:
    """Another worker polls as hard as it can while the effect fails: it finds nothing to run."""
    starts: list[int] = []
    stop = threading.Event()

    def fail() -> None:
        starts.append(1)
        raise LookupError

    def poll() -> None:
        while not stop.is_set():
            deliver(handler)

    handler = declare(fail, retry=outbox.Retry(base=timedelta(hours=9), cap=timedelta(hours=9)))
    thread = in_thread(poll)
    for _ in range(20):
        deliver(handler, enqueue())
    stop.set()
    thread.join(10)
    assert len(starts) == 20


def test_the_last_attempt_makes_a_dead_letter(raising: Any) -> None:
    handler = raising(LookupError("never"), retry=outbox.Retry(limit=2))
    message = enqueue()
    deliver(handler, message)
    make_due(message)
    deliver(handler)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("dead", 2)
    assert kinds(message) == ["failed", "failed", "dead"]


def test_without_a_limit_it_is_retried_for_ever(raising: Any) -> None:
    handler = raising(LookupError("never"), retry=outbox.Retry(limit=None))
    message = enqueue()
    Message.objects.filter(id=message.id).update(attempts=30_000, alone=True)
    deliver(handler)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 30_001)


def test_a_fatal_failure_is_dead_at_once(raising: Any) -> None:
    handler, message = raising(outbox.Fatal("refused")), enqueue()
    deliver(handler, message)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("dead", 1)


def test_a_snooze_is_not_counted(raising: Any) -> None:
    handler = raising(outbox.Snooze(timedelta(hours=1), "not yet"))
    message = enqueue()
    deliver(handler, message)
    message.refresh_from_db()
    assert (message.state, message.attempts, kinds(message)) == ("pending", 0, ["snoozed"])
    assert message.due_at > timezone.now() + timedelta(minutes=50)


def test_a_snooze_needs_a_delay() -> None:
    with pytest.raises(ValueError, match="above zero"):
        outbox.Snooze(timedelta(0))


@pytest.mark.parametrize("make", [outbox.Snooze, lambda delay: outbox.Retry(cap=delay)])
def test_no_delay_leads_to_a_year_that_cannot_be_read_again(make: Any) -> None:
    with pytest.raises(ValueError, match="days at most"):
        make(timedelta(days=3_000_000))


def test_one_bad_message_neither_holds_nor_buries_its_batch(declare: Any, ledger: Any) -> None:
    def together(messages: list[Message]) -> None:
        for message in messages:
            ledger.add(str(message.args["n"]))
            if message.args["n"] == 2:
                raise outbox.Fatal("the bad one")

    handler = declare(together, batch_size=10, name="tests.batch")
    messages = [enqueue(handler="tests.batch", args={"n": n}) for n in range(5)]
    deliver(handler)
    states = {m.args["n"]: (m.state, m.attempts) for m in Message.objects.all()}
    assert states.pop(2) == ("dead", 1)
    assert states == dict.fromkeys((0, 1, 3, 4), ("done", 1))
    assert sorted(ledger.all()) == ["0", "1", "3", "4"]
    assert kinds(messages[0]) == ["isolated"]


def test_the_delay_grows_is_jittered_and_capped() -> None:
    retry = outbox.Retry(base=timedelta(seconds=1), cap=timedelta(seconds=60))
    longest = [max(retry.delay(n) for _ in range(200)) for n in (1, 3, 100)]
    assert longest[0] <= timedelta(seconds=1)
    assert timedelta(seconds=1) < longest[1] <= timedelta(seconds=4)
    assert timedelta(seconds=30) < longest[2] <= timedelta(seconds=60)
    assert min(retry.delay(3) for _ in range(200)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("late", "state", "effects"),
    [("drop", "expired", []), ("ask", "dead", []), ("run", "done", ["effect"])],
)
def test_an_expired_message_ends_as_its_handler_says(
    declare: Any, ledger: Any, late: str, state: str, effects: list[str]
) -> None:
    handler = declare(lambda: ledger.add("effect"), late=outbox.Late(late))
    message = enqueue()
    Message.objects.filter(id=message.id).update(expires_at=message.due_at)
    deliver(handler, message)
    message.refresh_from_db()
    assert (message.state, ledger.all()) == (state, effects)


@pytest.mark.parametrize("broken", ["", "it raises", "it swallows"])
def test_the_handler_is_told_of_an_end_in_the_same_commit(
    raising: Any, ledger: Any, broken: str
) -> None:
    def abandoned(args: dict[str, Any], state: str, reason: str) -> None:
        ledger.add(f"{args} {state}: {reason}")
        if broken == "it raises":
            raise KeyError("in the hook")
        with suppress(KeyError), transaction.atomic(savepoint=False):
            if broken:
                raise KeyError

    handler = raising(outbox.Fatal("refused"), on_abandoned=abandoned)
    message = enqueue()
    deliver(handler, message)
    message.refresh_from_db()
    assert message.state == "dead"
    assert ledger.all() == ([] if broken else ["{} dead: Fatal: refused"])
    assert bool(broken) == ("on_abandoned failed" in message.events.last().error)
