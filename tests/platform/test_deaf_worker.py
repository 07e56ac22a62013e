"""A worker that lives and takes nothing ends itself, for its supervisor to start another."""

import pytest

from config.celery import app
from tests.stack import Stack

DEAF = ("--include", "tests.platform.slow_tasks,tests.platform.lost_slot")


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_deaf_worker_ends_itself(stack: Stack, pool: str) -> None:
    patience = {"WORKER_DEAF_AFTER": "1.5"}
    worker = stack.worker("default", pool=pool, concurrency=1, options=DEAF, environment=patience)
    for _ in range(3):
        app.send_task("tests.slow", queue="default", ignore_result=True)
    stack.wait_until(lambda: not worker.is_running(), why=worker)
    log = worker.log.read_text()
    assert "Couldn't ack" in log
    assert "takes nothing that waits" in log


def test_a_worker_that_is_busy_or_has_nothing_to_do_is_not_deaf(stack: Stack) -> None:
    patience = {"WORKER_DEAF_AFTER": "0.6"}  # the task takes longer
    worker = stack.worker(
        "default",
        concurrency=1,
        options=("--include", "tests.platform.slow_tasks"),
        environment=patience,
    )
    for _ in range(3):
        app.send_task("tests.slow", queue="default", ignore_result=True)
    stack.wait_until(lambda: worker.log.read_text().count("slow task ended") == 3, why=worker)
    assert worker.is_running()
