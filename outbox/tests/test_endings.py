"""What `on_abandoned` does wrong is noted; it keeps neither message nor relay from going on."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

import outbox
from outbox import handlers, relay, runs
from outbox.desk import acts, bulk
from outbox.desk.groups import Selection
from outbox.models import Message, Run
from outbox.tests.conftest import another_session, deliver, enqueue, make_due

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def orphan(ledger: Any) -> Any:
    """Write a row of which Django's own kind of foreign key says at COMMIT that it must not be."""
    ledger.execute(
        "CREATE TABLE test_note (of int REFERENCES test_ledger DEFERRABLE INITIALLY DEFERRED)"
    )
    yield lambda *_: ledger.execute("INSERT INTO test_note VALUES (-1)")
    ledger.execute("DROP TABLE test_note")


@pytest.fixture
def refused(declare: Any) -> Callable[..., Any]:
    """Declare a handler whose messages are dead at once, and what it is told then."""

    def make(on_abandoned: Callable[..., None]) -> Any:
        def fail() -> None:
            raise outbox.Fatal("refused")

        return declare(fail, on_abandoned=on_abandoned)

    return make


def crashed(worker: str = "gone:1", **options: Any) -> Message:
    """A message whose run has died for the third time, alone."""
    message = enqueue(**options)
    Message.objects.filter(id=message.id).update(crashes=handlers.CRASH_LIMIT - 1, alone=True)
    Run.objects.create(handler=message.handler, message_ids=[message.id], worker=worker)
    Run.objects.update(started_at="2000-01-01T00:00:00Z")
    return message


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def test_a_row_that_the_commit_would_refuse_is_noted(refused: Any, orphan: Any) -> None:
    handler, message = refused(orphan), enqueue()
    assert deliver(handler, message).failed == 1
    assert (state_of(message), message.attempts) == ("dead", 1)
    assert "on_abandoned failed: IntegrityError" in message.events.last().error


def test_who_cancels_is_told_by_the_commit(refused: Any, orphan: Any) -> None:
    """Until then the caller may mend it. A person who does nothing else is rid of the message."""
    refused(orphan)
    message = enqueue()
    with pytest.raises(IntegrityError), transaction.atomic():
        assert outbox.cancel(message.id, reason="no more")
    assert state_of(message) == "pending"
    bulk.act("cancel", [message.id], asked={}, actor="ann", reason="no more", dry_run=False)
    assert state_of(message) == "cancelled"


def test_what_the_caller_of_cancel_has_yet_to_complete_is_not_held_against_it(
    refused: Any, ledger: Any, orphan: Any
) -> None:
    refused(lambda *_: ledger.add("told"))
    message = enqueue()
    with transaction.atomic():
        orphan()
        outbox.cancel(message.id, reason="no more")
        ledger.execute("DELETE FROM test_note")
    assert (state_of(message), ledger.all()) == ("cancelled", ["told"])
    assert "failed" not in message.events.last().error


def test_an_effect_is_not_asked_before_its_end(
    declare: Any, orphan: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The commit decides about it, and nobody is told of an effect before."""
    caplog.set_level("INFO", "outbox")
    handler, message = declare(orphan), enqueue()
    tally = deliver(handler, message)
    assert (tally.done, tally.failed) == (0, 1)
    assert "effect done" not in caplog.text
    assert (state_of(message), message.attempts) == ("pending", 1)
    assert IntegrityError.__name__ in message.last_error


def test_an_end_is_told_once_it_is_so(
    refused: Any, ledger: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "outbox")
    handler, message = refused(lambda *_: None), enqueue()
    deliver(handler, message)
    assert caplog.text.count("message ended") == 1
    assert acts.discard(Selection(), actor="ann", reason="too old", dry_run=True).done
    assert caplog.text.count("message ended") == 1
    assert acts.discard(Selection(), actor="ann", reason="too old").done
    assert caplog.text.count("message ended") == 2


def test_what_is_late_is_counted_once_it_has_ended(declare: Any, ledger: Any) -> None:
    handler, message = declare(lambda: None), enqueue()
    Message.objects.filter(id=message.id).update(expires_at=message.due_at)
    ledger.execute(
        "CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE 'no end today'; END $$;"
        "CREATE CONSTRAINT TRIGGER test_late AFTER UPDATE ON outbox_message"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " WHEN (NEW.state = 'expired') EXECUTE FUNCTION test_refuse()"
    )
    try:
        tally = deliver(handler, message)
    finally:
        ledger.execute("DROP FUNCTION test_refuse CASCADE")
    assert (tally.late, state_of(message)) == (0, "pending")


def test_a_bad_row_at_the_last_crash_does_not_keep_the_relay_from_ringing(
    refused: Any, declare: Any, orphan: Any
) -> None:
    refused(orphan)
    declare(lambda: None, name="tests.other")
    make_due(enqueue(handler="tests.other"))
    message = crashed()
    found = relay.run_once()
    assert (found.crashed, found.dispatched, state_of(message)) == (1, 1, "dead")


def test_a_connection_that_dies_with_one_record_keeps_it_and_no_other(
    declare: Any, refused: Any, ledger: Any
) -> None:
    refused(lambda *_: ledger.execute("SELECT pg_terminate_backend(pg_backend_pid())"))
    declare(lambda: None, name="tests.other")
    bad, good = crashed("gone:1"), crashed("gone:2", handler="tests.other")
    make_due(enqueue(handler="tests.other"))
    found = relay.run_once()
    assert found.crashed == 1
    assert found.dispatched >= 1, "by now it may ring for the bad one as well"
    assert (state_of(bad), state_of(good)) == ("pending", "dead")
    assert Run.objects.get().message_ids == [bad.id], "it is not run meanwhile"


def test_the_relay_waits_for_no_business_row_and_comes_again(
    refused: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "PATIENCE", timedelta(milliseconds=20))
    refused(lambda *_: ledger.execute("UPDATE test_ledger SET what = 'told'"))
    ledger.add("business")
    message = crashed()
    with another_session() as other, other.transaction():
        other.execute("SET LOCAL idle_in_transaction_session_timeout = '5s'")
        other.execute("SELECT FROM test_ledger FOR UPDATE")
        assert relay.run_once().crashed == 0
        assert (state_of(message), message.crashes) == ("pending", handlers.CRASH_LIMIT - 1)
    assert relay.run_once().crashed == 1
    assert (state_of(message), ledger.all()) == ("dead", ["told"])


def test_one_that_must_wait_keeps_none_of_its_process_waiting(
    declare: Any, refused: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "PATIENCE", timedelta(milliseconds=20))
    refused(lambda *_: ledger.execute("UPDATE test_ledger SET what = 'told'"))
    declare(lambda: None, name="tests.other")
    ledger.add("business")
    waits, other_one = crashed(), crashed(handler="tests.other")
    with another_session() as other, other.transaction():
        other.execute("SET LOCAL idle_in_transaction_session_timeout = '5s'")
        other.execute("SELECT FROM test_ledger FOR UPDATE")
        assert runs.collect_crashed() == 1
    assert (state_of(waits), state_of(other_one)) == ("pending", "dead")


def test_the_relay_waits_for_all_of_them_no_longer_than_for_one(
    refused: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(runs, "_wait_at_most", waits.append)
    refused(lambda *_: time.sleep(0.05))
    crashed("gone:1")
    crashed("gone:2")
    assert runs.collect_crashed() == 2
    assert waits[1] < waits[0] - 0.04 < runs.PATIENCE.total_seconds()


def test_a_hook_of_on_abandoned_that_fails_undoes_no_crash(
    refused: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("an outside call")

    refused(lambda *_: transaction.on_commit(fail))
    message = crashed()
    assert (runs.collect_crashed(), state_of(message)) == (1, "dead")
    assert "a hook after the commit failed" in caplog.text
    assert "could not be written down" not in caplog.text


def test_who_discards_has_rows_of_its_own_to_complete_yet(
    refused: Any, ledger: Any, orphan: Any
) -> None:
    handler, message = refused(lambda *_: ledger.add("told")), enqueue()
    deliver(handler, message)
    with transaction.atomic():
        orphan()
        assert outbox.discard(message.id, reason="no more", actor="ann")
        ledger.execute("DELETE FROM test_note")
    assert (state_of(message), ledger.all()) == ("discarded", ["told", "told"])
