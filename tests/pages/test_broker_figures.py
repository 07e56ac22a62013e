"""How long the broker's queues are, on the page of operations and in the metrics."""

import pytest
from django.test import Client

from config.celery import app
from config.operations import remembered
from tests.accounts.people import make_user
from tests.stack import Stack

LENGTH = "onceproof_broker_queue_length"


def test_queue_lengths_are_told_and_a_broker_that_is_away_holds_nothing_up(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "REMEMBERED", 1.0)
    client = Client()
    client.force_login(make_user("viewer"))

    def page() -> str:
        return client.get("/operations/").content.decode()

    def metrics() -> str:
        return client.get("/metrics").content.decode()

    for _ in range(3):
        app.send_task("nobody.takes.this", queue="bulk", ignore_result=True)
    stack.wait_until(lambda: "bulk 3" in page())
    assert "critical 0, default 0, bulk 3, relay 0" in page()
    stack.wait_until(lambda: f'{LENGTH}{{queue="bulk"}} 3.0' in metrics())

    stack.kill_broker()
    stack.wait_until(lambda: "unknown: " in page())
    told = metrics()
    assert f"{LENGTH}{{" not in told, "a length that nobody knows is not zero"
    stack.wait_until(lambda: "onceproof_broker_up 0.0" in metrics())
    assert "outbox_parked_messages 0.0" in told

    stack.start_broker()
    stack.wait_until(lambda: "bulk 3" in page())
