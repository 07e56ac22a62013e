"""/healthz and /readyz, with the parts really up, down and frozen."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.test import Client

from config import health
from outbox.models import Message
from tests.stack import Stack


@pytest.mark.usefixtures("_no_memory_of_workers")
class TestReadiness:
    def test_ready_with_a_database_a_broker_and_a_worker(self, stack: Stack) -> None:
        stack.worker()
        stack.wait_until(lambda: _ready()[0] == 200)
        _, body = _ready()
        assert body["reasons"] == {}
        assert body["workers"] == ["worker-0@test"]

    def test_no_worker_is_a_reason(self, stack: Stack) -> None:
        status, body = _ready()
        assert status == 503
        assert set(body["reasons"]) == {"worker"}

    def test_a_killed_worker_is_missed_soon(self, stack: Stack) -> None:
        worker = stack.worker()
        stack.wait_until(lambda: _ready()[0] == 200)
        stack.kill(worker)
        stack.wait_until(lambda: _ready()[0] == 503, timeout=15)

    def test_an_emptied_broker_is_no_alarm(self, stack: Stack) -> None:
        stack.worker()
        stack.wait_until(lambda: _ready()[0] == 200)
        stack.flush_broker()
        assert _ready()[0] == 200

    def test_a_dead_broker_is_a_reason(self, stack: Stack) -> None:
        stack.kill_broker()
        status, body = _ready()
        assert status == 503
        assert body["reasons"]["broker"] in ("ConnectionError", "ConnectionRefusedError")

    def test_a_frozen_broker_hangs_nobody(self, stack: Stack) -> None:
        stack.freeze_broker()
        status, seconds = _timed()
        assert status == 503
        assert seconds < 3

    def test_a_frozen_database_hangs_nobody(self, stack: Stack) -> None:
        stack.freeze_postgres()
        for _ in range(3):
            status, seconds = _timed()
            assert status == 503
            assert seconds < 3
        stack.thaw_postgres()
        stack.wait_until(lambda: "database" not in _ready()[1]["reasons"])

    def test_a_dead_database_is_a_reason_and_tells_no_address(self, stack: Stack) -> None:
        stack.kill_postgres()
        status, body = _ready()
        assert status == 503
        assert body["reasons"]["database"] == "OperationalError"

    def test_an_old_due_message_is_told_and_is_no_reason(self, stack: Stack) -> None:
        an_hour_ago = Now() - timedelta(hours=1)
        Message.objects.create(handler="none", operation_id=uuid4(), due_at=an_hour_ago)
        _, body = _ready()
        assert 3600 <= body["oldest_due_seconds"] < 3660
        assert set(body["reasons"]) == {"worker"}


def test_two_who_ask_at_once_are_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts answer once both have asked, and not before."""
    answer = threading.Event()
    both = threading.Barrier(2, action=answer.set, timeout=10)
    wait_for_it = health.Question.reasons

    def _ask_workers() -> dict[str, Any]:
        answer.wait(10)
        return {"workers": ["worker@test"]}

    def reasons(question: health.Question, part: str, latest: float) -> dict[str, str]:
        if part == "database":  # the first to be waited for: by then, all have been asked
            both.wait()
        return wait_for_it(question, part, latest)

    monkeypatch.setattr(health, "_ask_workers", _ask_workers)
    monkeypatch.setattr(health, "_ask_database", dict)
    monkeypatch.setattr(health.Question, "reasons", reasons)
    with ThreadPoolExecutor(2) as two:
        told = list(two.map(lambda _: _ready(), range(2)))
    assert [(status, body["reasons"]) for status, body in told] == [(200, {})] * 2


def test_healthz_asks_nobody() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_a_load_balancer_may_ask_by_number_and_without_tls(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["onceproof.example"]
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz", headers={"host": "10.0.0.7"}).status_code == 200
    assert Client().get("/", headers={"host": "10.0.0.7"}).status_code == 400


def test_only_reading_is_allowed() -> None:
    assert Client().post("/healthz").status_code == 405


def _ready() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


def _timed() -> tuple[int, float]:
    start = time.monotonic()
    return _ready()[0], time.monotonic() - start


@pytest.fixture
def _no_memory_of_workers() -> None:
    health._seen.clear()
