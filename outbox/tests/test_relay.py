"""The relay finds everything that no dispatch stands for."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

import outbox
from outbox import cooldown, relay
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


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(cooldown, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def rung_at(clock: list[float], rings: relay.Rings, rounds: int) -> list[float]:
    """When it rings, of so many rounds, two of them a second."""
    found = []
    for _ in range(rounds):
        if relay.run_once(rings).dispatched:
            found.append(clock[0] - 100)
        clock[0] += 0.5
    return found


def test_where_nobody_comes_it_rings_ever_more_rarely(clock: list[float]) -> None:
    """A queue whose workers are away for a minute would have thousands of dispatches else."""
    make_due(enqueue())
    assert rung_at(clock, relay.Rings(), 30) == [0, 0.5, 1.5, 3.5, 7.5, 11.5]


def test_it_rings_at_once_when_something_has_moved(clock: list[float]) -> None:
    first, second = enqueue(), enqueue()
    make_due(first, second)
    rings = relay.Rings()
    assert rung_at(clock, rings, 5) == [0, 0.5, 1.5]
    Message.objects.filter(id=first.id).update(state="done", finished_at=timezone.now())
    assert rung_at(clock, rings, 4) == [2.5, 3.0, 4.0]


def test_it_rings_at_once_for_what_has_crashed(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_due(enqueue())
    rings = relay.Rings()
    assert rung_at(clock, rings, 5) == [0, 0.5, 1.5]
    monkeypatch.setattr(relay.runs, "collect_crashed", lambda: 1)
    assert relay.run_once(rings).dispatched == 1


def test_what_did_not_go_out_is_no_ring(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the broker is back it is rung for at once."""
    make_due(enqueue())
    rings = relay.Rings()
    with monkeypatch.context() as away:
        away.setattr(relay.dispatch, "send", lambda *_, **__: False)
        assert rung_at(clock, rings, 5) == []
    assert relay.run_once(rings).dispatched == 1


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
