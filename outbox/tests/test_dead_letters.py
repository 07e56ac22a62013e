"""What a person may do with a message."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

import outbox
from outbox.models import Message
from outbox.selectors import story
from outbox.tests.conftest import deliver, enqueue
from outbox.tests.test_keys import in_thread, lapse


@pytest.fixture
def broken() -> list[bool]:
    return [True]


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any, broken: list[bool]) -> Any:
    def run(**args: Any) -> None:
        if broken:
            raise outbox.Fatal("refused")
        ledger.add("effect")

    return declare(run)


def dead(effect: Any, **options: Any) -> Message:
    message = enqueue(**options)
    deliver(effect, message)
    return message


def cancel(message: Message) -> bool:
    with transaction.atomic():
        return outbox.cancel(message.id, reason="changed our minds", actor="ann")


@pytest.mark.parametrize("size", [None, 2])
def test_a_handler_does_not_cancel_what_it_runs(
    declare: Any, ledger: Any, size: int | None
) -> None:
    def cancel(*_: Any) -> None:
        ledger.add("half")
        outbox.cancel(message.id, reason="not wanted")

    handler = declare(cancel, name="tests.cancels", batch_size=size)
    message = enqueue(handler="tests.cancels")
    assert deliver(handler, message).failed == 1
    message.refresh_from_db()
    assert (message.state, ledger.all()) == ("pending", [])
    assert message.last_error.startswith("CancelsItself: ")
    with transaction.atomic():
        assert outbox.cancel(message.id, reason="not wanted")


def test_a_redriven_message_runs_under_its_id_and_key(
    effect: Any, ledger: Any, broken: list[bool]
) -> None:
    message = dead(effect, key="k")
    broken.clear()
    outbox.redrive(message.id, actor="ann", reason="provider is back")
    deliver(effect)
    assert ledger.all() == ["effect"]
    assert enqueue(key="k").id == message.id
    kinds = [event.kind for event in story(message.id)]
    assert kinds == ["scheduled", "failed", "dead", "redriven", "claimed", "done"]


def test_a_done_message_is_not_run_twice(effect: Any, ledger: Any, broken: list[bool]) -> None:
    broken.clear()
    message = enqueue()
    deliver(effect, message)
    with pytest.raises(outbox.NotRedrivable, match="effect has happened"):
        outbox.redrive(message.id, actor="ann")
    assert ledger.all() == ["effect"]


def test_a_waiting_or_unknown_message_is_not_redriven() -> None:
    with pytest.raises(outbox.NotRedrivable, match="waiting already"):
        outbox.redrive(enqueue().id, actor="ann")
    with pytest.raises(outbox.NotRedrivable, match="no message"):
        outbox.redrive(uuid4(), actor="ann")


def test_a_message_whose_key_has_a_successor_is_a_conflict(effect: Any) -> None:
    old = dead(effect, key="k", unique=outbox.for_period(timedelta(hours=1)))
    lapse("k")
    enqueue(key="k", unique=outbox.for_period(timedelta(hours=1)))
    with pytest.raises(outbox.NotRedrivable, match="same thing twice"):
        outbox.redrive(old.id, actor="ann")


def test_a_cancelled_message_does_not_run(effect: Any, ledger: Any, broken: list[bool]) -> None:
    broken.clear()
    message = enqueue()
    assert cancel(message) is True
    assert cancel(message) is False
    assert deliver(effect, message).refused == 1
    assert ledger.all() == []


def test_a_message_that_is_being_run_is_not_cancelled_and_not_waited_for(
    declare: Any, ledger: Any
) -> None:
    answers = []

    def slow() -> None:
        thread = in_thread(lambda: answers.append(cancel(message)))
        thread.join(10)
        ledger.add("effect")

    handler = declare(slow, name="tests.slow")
    message = enqueue(handler="tests.slow")
    deliver(handler, message)
    assert (answers, ledger.all()) == ([False], ["effect"])


def test_cancel_needs_a_transaction() -> None:
    with pytest.raises(outbox.NotInTransaction):
        outbox.cancel(enqueue().id, reason="no")


def test_only_a_dead_message_is_discarded(effect: Any) -> None:
    message = dead(effect)
    assert outbox.discard(enqueue().id, reason="no", actor="ann") is False
    assert outbox.discard(message.id, reason="hopeless", actor="ann") is True
    message.refresh_from_db()
    assert (message.state, message.last_error) == ("discarded", "hopeless")
    assert message.events.last().actor == "ann"
