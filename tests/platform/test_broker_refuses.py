"""A broker that refuses every write, as one whose disk is full does: workers wait it out.

The chaos run found that they ended themselves ("Unrecoverable error: server:ResponseError").
"""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from config.celery import app
from tests.servers import on_redis
from tests.stack import Stack

pytestmark = on_redis


@pytest.fixture
def broker(stack: Stack) -> Iterator[redis.Redis]:
    """The broker, which takes writes again after the test."""
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        yield client
        refuse_writes(client, refuse=False)


def refuse_writes(broker: redis.Redis, *, refuse: bool) -> None:
    """It demands a replica that it does not have: to clients the same as a full disk."""
    broker.config_set("min-replicas-to-write", int(refuse))


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_outlives_refused_writes(stack: Stack, broker: redis.Redis, pool: str) -> None:
    include = ("--include", "tests.platform.slow_tasks")
    worker = stack.worker("default", pool=pool, concurrency=1, options=include)
    refuse_writes(broker, refuse=True)
    stack.wait_until(lambda: "NOREPLICAS" in worker.log.read_text(), why=worker)
    refuse_writes(broker, refuse=False)
    app.send_task("tests.slow", queue="default", ignore_result=True)
    stack.wait_until(lambda: "slow task ended" in worker.log.read_text(), why=worker)
    assert worker.is_running()
    assert "Unrecoverable" not in worker.log.read_text()
