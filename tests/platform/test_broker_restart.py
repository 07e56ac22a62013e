"""Workers go on when their broker restarts under load. Celery 5.7.0's do not: decision record 2."""

import pytest
import redis
from django.conf import settings

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
    stack.wait_until(lambda: _unacknowledged() > 0, why=worker)
    stack.kill_broker()
    stack.start_broker()
    stack.flush_broker()
    _publish(2)
    stack.wait_until(lambda: _waiting() == 0 or not worker.is_running(), why=worker)
    log = worker.log.read_text()
    assert worker.is_running() or "takes nothing that waits" in log
    assert "Unrecoverable" not in log


def _publish(count: int) -> None:
    for _ in range(count):
        app.send_task("tests.slow", queue="default", ignore_result=True)


def _unacknowledged() -> int:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        return int(client.hlen("unacked"))


def _waiting() -> int:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        return int(client.llen("default"))
