"""Celery, as `CELERY_…` settings. Every task is a dispatch: a hint that there is work."""

from datetime import timedelta
from typing import Any

from config.settings import rabbitmq, redis

QUEUES = ("critical", "default", "bulk", "relay")


def celery_settings(broker_url: str, *, waits_for_broker: bool, embedded: bool) -> dict[str, Any]:
    """All of it. `waits_for_broker` is true in workers and beat: nobody stands behind those."""
    broker = rabbitmq if rabbitmq.is_meant(broker_url) else redis
    return {
        "CELERY_TASK_QUEUES": broker.queues(QUEUES),
        "CELERY_TASK_DEFAULT_QUEUE": "default",
        "CELERY_TASK_CREATE_MISSING_QUEUES": True,  # Flower and remote control have their own
        **_messages(),
        **_worker(embedded),
        **_broker(waits_for_broker),
        **broker.settings(waits=waits_for_broker),
        **_beat(),
    }


def _messages() -> dict[str, Any]:
    return {
        "CELERY_ACCEPT_CONTENT": ["json"],  # a pickle is a program of whoever wrote it
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_RESULT_SERIALIZER": "json",
        "CELERY_TASK_IGNORE_RESULT": True,  # the row is the result
        "CELERY_RESULT_EXPIRES": None,  # and so there is nothing for beat to clean up
        "CELERY_TIMEZONE": "UTC",
        "CELERY_ENABLE_UTC": True,
        # Acknowledged before it runs: the row, not the broker, knows what is done. The late kind
        # turns a job that kills its worker into one that kills every worker, for ever.
        "CELERY_TASK_ACKS_LATE": False,
        "CELERY_TASK_REJECT_ON_WORKER_LOST": False,
        # The relay sends again what was not sent: a second try here would only hold somebody up.
        "CELERY_TASK_PUBLISH_RETRY": False,
    }


def _worker(embedded: bool) -> dict[str, Any]:
    return {
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,  # what one worker has taken, no other can do
        "CELERY_WORKER_SEND_TASK_EVENTS": True,  # for Flower
        # Anybody who reaches the broker could shut workers down with it.
        "CELERY_WORKER_ENABLE_REMOTE_CONTROL": embedded,
        "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT": 5,  # seconds; a run cut off leaves its row free
        "CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE": False,
        # A run goes on without the broker: its row is what counts.
        "CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS": False,
        "CELERY_WORKER_MAX_MEMORY_PER_CHILD": 300_000,  # kB; a swollen child is replaced
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,  # LOGGING rules
        # Celery closes the database connection around every task unless told how often to reuse
        # it: 119 one-statement jobs a second became 446. Now and then it is renewed all the same.
        "CELERY_DB_REUSE_MAX": 1_000,
    }


def _broker(waits: bool) -> dict[str, Any]:
    """Time-outs in seconds. Publishing must not hold a request up: one second, no retry."""
    return {
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        # A broker whose disk is full refuses every write: without this the workers end themselves.
        "CELERY_BROKER_CHANNEL_ERROR_RETRY": True,
        "CELERY_BROKER_CONNECTION_MAX_RETRIES": None,  # by default a worker gives up after 100
        "CELERY_WORKER_CONSUMER": "config.reconnecting:Consumer",  # and soon
        "CELERY_BROKER_CONNECTION_TIMEOUT": 4 if waits else 1,
    }


def _beat() -> dict[str, Any]:
    return {
        "CELERY_BEAT_SCHEDULER": "config.scheduler:SingleScheduler",
        "CELERY_BEAT_MAX_LOOP_INTERVAL": 1,  # second: how soon a stand-by notices that it is alone
        "DJANGO_CELERY_BEAT_TZ_AWARE": True,
        # Written to django-celery-beat's tables when beat starts. A schedule can be switched off
        # in the admin for good; its interval is this one again after the next start.
        "CELERY_BEAT_SCHEDULE": {
            "relay": _every("outbox.relay", timedelta(seconds=1)),
            "tick": _every("outbox.tick", timedelta(minutes=1)),
            "measure": _every("outbox.measure", timedelta(seconds=5)),
        },
    }


def _every(task: str, interval: timedelta) -> dict[str, Any]:
    """Celery compares an expiry with the worker's own clock, hence a minute even for a second's."""
    options = {"queue": "relay", "expire_seconds": 60}
    return {"task": task, "schedule": interval, "options": options}
