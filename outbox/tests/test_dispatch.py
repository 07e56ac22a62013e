"""A dispatch is a hint: sent once, best effort, and the broker's troubles are nobody's."""

from dataclasses import replace
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from outbox import dispatch
from outbox.cooldown import Cooldown
from outbox.handlers import Handler
from outbox.tests.conftest import enqueue, really_send


class Broker:
    """The end of the wire: takes dispatches, or does not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.down, self.asked = False, 0

    def apply_async(self, **_: Any) -> None:
        self.asked += 1
        if self.down:
            raise OperationalError


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def handler(declare: Any, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Handler:
    monkeypatch.setattr(dispatch, "_cooldown", Cooldown(first=3.0, longest=60.0))
    declared: Handler = declare(lambda: None)
    return replace(declared, task=broker)  # type: ignore[arg-type]


def at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("outbox.cooldown.time.monotonic", lambda: 1_000 + seconds)


def test_a_failure_is_no_error_and_leaves_the_broker_alone(
    handler: Handler, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.down = True
    at(monkeypatch, 0)
    assert [really_send(handler) for _ in range(5)] == [False] * 5
    assert broker.asked == 1


def test_the_pause_grows_with_each_failure_and_ends_with_a_success(
    handler: Handler, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.down = True
    for second in range(200):
        at(monkeypatch, second)
        really_send(handler)
    assert broker.asked == 7, "at 0, 3, 9, 21, 45, 93 and 153 seconds"
    broker.down = False
    at(monkeypatch, 300)
    assert really_send(handler) is True
    broker.down = True
    assert really_send(handler) is False
    at(monkeypatch, 303)
    assert really_send(handler) is False
    assert broker.asked == 10


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_does_not_fail_the_commit(
    handler: Handler, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.down = True
    monkeypatch.setattr(dispatch, "send", lambda _, ids=(): really_send(handler, ids))
    assert enqueue().state == "pending"
    assert broker.asked == 1
