"""RabbitMQ (3.10 or later) as the broker: quorum queues, confirmed publishing.

A dispatch expires by itself on the way, which quorum queues can since 3.10.
"""

from collections.abc import Iterable
from typing import Any

from kombu import Exchange, Queue


def is_meant(broker_url: str) -> bool:
    """Whether the address is a RabbitMQ's."""
    return broker_url.startswith(("amqp://", "amqps://", "pyamqp://"))


def queues(names: Iterable[str]) -> list[Queue]:
    """Replicated by Raft: what was confirmed outlives any one of three nodes.

    Celery finds the type here, and then limits each consumer for itself: these queues know no
    limit for a whole channel.
    """
    quorum = {"x-queue-type": "quorum"}
    return [Queue(name, Exchange(name), routing_key=name, queue_arguments=quorum) for name in names]


def settings(*, waits: bool) -> dict[str, Any]:
    """Seconds. What does not wait gives up at once; the relay sends another."""
    return {
        "CELERY_WORKER_CONSUMER": "config.rabbitmq:Consumer",
        # Queues of one process alone. RabbitMQ 4 means to give up passing ones that are shared.
        "CELERY_CONTROL_QUEUE_EXCLUSIVE": True,
        "CELERY_EVENT_QUEUE_EXCLUSIVE": True,
        # How soon a worker and the broker notice that the other one's machine is gone.
        "CELERY_BROKER_HEARTBEAT": 10,
        "CELERY_BROKER_TRANSPORT_OPTIONS": _unconfirmed() if waits else _confirmed(),
    }


def _confirmed() -> dict[str, Any]:
    """Publishing ends when a majority of the nodes has the dispatch; a refusal is an error.

    A broker that says nothing is waited for three times: for the confirmation, and for the answers
    to two goodbyes. Together that is the second for which somebody may be held up.
    """
    limits = {"read_timeout": 0.3, "write_timeout": 0.3}
    return {"confirm_publish": True, **limits, "max_retries": 0}


def _unconfirmed() -> dict[str, Any]:
    """A worker's main loop publishes its events: one that waited for a broker that takes nothing
    (its memory or its disk is full) would do no work meanwhile. Its dispatches are hints."""
    return {"read_timeout": 5, "write_timeout": 5}
