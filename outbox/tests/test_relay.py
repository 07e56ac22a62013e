"""The relay finds everything that no dispatch stands for."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

import outbox
from outbox import relay
from outbox.models import Message
from outbox.tests.conftest import another_session, deliver, enqueue, make_due


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda **args: ledger.add("effect"))


def test_a_lost_dispatch_is_made_up_for(effect: Any, ledger: Any, sent: list[Any]) -> None:
    message = enqueue()
    make_due(message)
    sent.clear()
    assert relay.run_once().dispatched == 1
    assert sent == [("tests.effect", [])]
    deliver(effect)
    assert ledger.all() == ["effect"]
    assert relay.run_once().dispatched == 0


def test_what_was_committed_a_moment_ago_is_left_to_its_own_dispatch() -> None:
    enqueue()
    assert relay.run_once().dispatched == 0


def test_a_time_that_has_come_is_noticed() -> None:
    later = enqueue(due_at=timezone.now() + timedelta(hours=1))
    assert relay.run_once().dispatched == 0
    make_due(later)
    assert relay.run_once().dispatched == 1


def test_a_storm_cannot_form(sent: list[Any]) -> None:
    with transaction.atomic():
        ids = outbox.enqueue_many("tests.effect", ({"n": n} for n in range(2_000)))
    make_due(*Message.objects.filter(id__in=ids))
    sent.clear()
    assert relay.run_once().dispatched == len(sent) == 8


def test_slow_jobs_whose_dispatches_were_lost_do_not_queue_up_behind_one(sent: list[Any]) -> None:
    """One dispatch runs an ordinary handler's messages one by one, however long each may take."""
    make_due(*[enqueue() for _ in range(3)])
    sent.clear()
    assert relay.run_once().dispatched == len(sent) == 3


def test_no_handler_is_overlooked_beside_a_large_backlog(declare: Any, sent: list[Any]) -> None:
    declare(lambda **args: None, name="tests.z_other")
    with transaction.atomic():
        outbox.enqueue_many("tests.effect", ({"n": n} for n in range(500)))
        outbox.enqueue("tests.z_other", args={})
    make_due(*Message.objects.all())
    sent.clear()
    relay.run_once()
    assert {name for name, _ in sent} == {"tests.effect", "tests.z_other"}


def test_a_name_that_no_handler_has_stops_nothing(
    sent: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    stray, known = enqueue(), enqueue()
    Message.objects.filter(id=stray.id).update(handler="tests.a_release_ago")
    make_due(stray, known)
    sent.clear()
    assert relay.run_once().dispatched == 1
    assert "no handler knows" in caplog.text


def test_one_relay_at_a_time_rings() -> None:
    make_due(enqueue())
    with another_session() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [relay.LOCK])
        assert relay.run_once().skipped
    assert relay.run_once().dispatched == 1
