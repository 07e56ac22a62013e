"""A broker that refuses every write, as one whose disk or memory is full does: workers wait it out.

The chaos run found that they ended themselves ("Unrecoverable error: server:ResponseError").
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from config.celery import app
from tests.servers import WITH_RABBITMQ
from tests.stack import Stack


@pytest.fixture
def refuse_writes(stack: Stack) -> Iterator[Callable[[bool], None]]:
    """Tells the broker whether to take writes; it takes them again after the test."""
    yield lambda refuse: stack.refuse_writes(refuse=refuse)
    stack.refuse_writes(refuse=False)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_outlives_refused_writes(
    stack: Stack, refuse_writes: Callable[[bool], None], publisher: Celery, pool: str
) -> None:
    include = ("--include", "tests.platform.slow_tasks")
    worker = stack.worker("default", pool=pool, concurrency=1, options=include)
    refuse_writes(True)
    stack.wait_until(lambda: not _goes_out(publisher), why=worker)
    if not WITH_RABBITMQ:  # to a worker, which reads, a full RabbitMQ is a silent one
        stack.wait_until(lambda: "NOREPLICAS" in worker.log.read_text(), why=worker)
    refuse_writes(False)
    stack.flush_broker()
    app.send_task("tests.slow", queue="default", ignore_result=True)
    stack.wait_until(lambda: "slow task ended" in worker.log.read_text(), why=worker)
    assert worker.is_running()
    assert "Unrecoverable" not in worker.log.read_text()


def _goes_out(publisher: Celery) -> bool:
    with suppress(OperationalError, OSError):
        publisher.send_task("nobody.knows", queue="critical", ignore_result=True)
        return True
    return False
