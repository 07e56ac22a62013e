"""What is set for Celery, and that publishing never holds anybody up."""

import time
from contextlib import suppress

import pytest
from celery import Celery, current_app
from kombu.exceptions import OperationalError

from config.celery import app
from config.settings.celery import QUEUES
from tests.stack import Stack

PATIENCE = 1.5  # seconds: one for the broker, the rest for a busy machine


def publish(publisher: Celery) -> float:
    """Publish one dispatch as a request does; returns the seconds it took, sent or not."""
    start = time.monotonic()
    with suppress(OperationalError, OSError):
        publisher.send_task("nobody.knows", queue="default", retry=False, ignore_result=True)
    return time.monotonic() - start


def test_nothing_but_json_is_accepted() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == app.conf.result_serializer == "json"


def test_the_database_row_is_the_acknowledgement() -> None:
    assert not app.conf.task_acks_late
    assert not app.conf.task_reject_on_worker_lost
    assert app.conf.task_ignore_result


def test_nobody_can_shut_a_deployments_workers_down() -> None:
    assert not app.conf.worker_enable_remote_control


def test_times_are_utc() -> None:
    assert app.conf.enable_utc
    assert app.conf.timezone == "UTC"


def test_each_queue_gets_its_own_tasks_only() -> None:
    queues = app.amqp.queues
    assert set(QUEUES) <= set(queues)
    assert {name: queues[name].routing_key for name in QUEUES} == {name: name for name in QUEUES}


def test_this_is_the_current_app() -> None:
    assert current_app.main == "onceproof"


class TestPublishing:
    def test_a_frozen_broker_holds_nobody_up(self, stack: Stack, publisher: Celery) -> None:
        publish(publisher)
        stack.freeze_broker()
        assert max(publish(publisher) for _ in range(3)) < PATIENCE

    def test_a_frozen_broker_does_not_the_first_time_either(
        self, stack: Stack, publisher: Celery
    ) -> None:
        stack.freeze_broker()
        assert publish(publisher) < PATIENCE

    def test_a_dead_broker_holds_nobody_up(self, stack: Stack, publisher: Celery) -> None:
        publish(publisher)
        stack.kill_broker()
        assert max(publish(publisher) for _ in range(3)) < PATIENCE

    def test_a_broker_that_is_back_is_published_to_at_once(
        self, stack: Stack, publisher: Celery
    ) -> None:
        publish(publisher)
        stack.kill_broker()
        stack.start_broker()
        for _ in range(5):
            try:
                publisher.send_task("nobody.knows", queue="default", retry=False)
                return
            except OperationalError as error:
                if not isinstance(error.__cause__, TimeoutError):
                    raise  # that was the connection of before: only a slow start is forgiven
        pytest.fail("a broker that is back does not answer")
