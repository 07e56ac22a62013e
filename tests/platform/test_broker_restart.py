"""Workers go on when their broker restarts under load. Celery 5.7.0's do not: decision record 2."""

import json
from datetime import datetime, timedelta

import pytest

from config import broker
from config.celery import app
from tests.stack import Stack


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_with_unacknowledged_messages_survives(stack: Stack, pool: str) -> None:
    """It may have lost its slot with the acknowledgement. Then it must end by itself, in time."""
    worker = stack.worker(
        "default",
        pool=pool,
        concurrency=1,
        options=("--include", "tests.platform.slow_tasks"),
        environment={"WORKER_DEAF_AFTER": "4"},
    )
    _publish(6)
    stack.wait_until(lambda: _waiting() <= 4, why=worker)  # it runs one, and holds the next
    stack.kill_broker()
    stack.start_broker()
    stack.flush_broker()
    _publish(2)
    stack.wait_until(lambda: _waiting() == 0 or not worker.is_running(), why=worker)
    log = worker.log.read_text()
    assert worker.is_running() or "takes nothing that waits" in log
    assert "Unrecoverable" not in log


def test_a_worker_asks_soon_for_the_broker_that_it_lost(stack: Stack) -> None:
    """Celery's own would ask after 2, 6 and 12 seconds; what comes meanwhile waits as long."""
    worker = stack.worker("default", pool="threads", concurrency=1)
    stack.kill_broker()
    stack.wait_until(lambda: len(_tries(worker.log.read_text())) >= 4, why=worker)
    first, *_, fourth = _tries(worker.log.read_text())[:4]
    assert fourth - first < timedelta(seconds=6)
    connected = worker.log.read_text().count("Connected to")
    stack.start_broker()
    stack.wait_until(lambda: worker.log.read_text().count("Connected to") > connected, why=worker)


def _tries(log: str) -> list[datetime]:
    """When a worker said that it cannot reach its broker and will try again."""
    written, _, _ = log.rpartition("\n")
    lines = (json.loads(line) for line in written.splitlines() if "Trying again" in line)
    return [datetime.fromisoformat(line["timestamp"]) for line in lines]


def _publish(count: int) -> None:
    for _ in range(count):
        app.send_task("tests.slow", queue="default", ignore_result=True)


def _waiting() -> int:
    return broker.waiting(["default"])["default"]
