"""Redis, or Valkey, as the broker: what differs from the other one."""

from collections.abc import Iterable
from typing import Any

from kombu import Exchange, Queue


def queues(names: Iterable[str]) -> list[Queue]:
    """A list each."""
    return [Queue(name, Exchange(name), routing_key=name) for name in names]


def settings(*, waits: bool) -> dict[str, Any]:
    """Seconds. What does not wait gives up at once; the relay sends another."""
    return {
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            "socket_timeout": 5 if waits else 1,
            "socket_connect_timeout": 2 if waits else 1,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # A message that a killed worker had taken comes back after this long. It is only a
            # hint, and by then the relay has long sent another.
            "visibility_timeout": 3600,
            **({} if waits else {"max_retries": 0}),
        },
    }
