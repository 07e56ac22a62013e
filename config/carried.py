"""What log lines carry, so that those of one job find together: web, relay, workers.

The tie is the row's: operation, message, handler, attempt and key are read from the message that
runs, whichever process it runs in and whoever woke that. A request's id travels with the dispatches
that the request itself sent; what the relay wakes later is tied to it by the operation.
"""

from collections.abc import MutableMapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import structlog
from celery import current_task

if TYPE_CHECKING:
    from outbox.models import Message

OF_A_REQUEST = ("request_id", "user_id")


def around_effect(handler: str, messages: "Sequence[Message]") -> AbstractContextManager[None]:
    """Every line that an effect writes, our own or a library's, says for which message."""
    from outbox import endings

    told: dict[str, object] = {"handler": handler, "size": len(messages)}
    if len(messages) == 1:
        told = endings.describe(messages[0]) | {"attempt": messages[0].attempts + 1}
    return structlog.contextvars.bound_contextvars(**told)


def with_a_dispatch(context: dict[str, Any], **_: Any) -> None:
    """Receiver: what a dispatch hands to the worker. The message's own fields are in its row.

    From inside a task no request goes on: a worker also takes along what others have enqueued.
    """
    handed = ("parent_task_id",) if current_task else OF_A_REQUEST
    for name in [one for one in context if one not in handed]:
        del context[name]


def of_its_own_request(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: lines about messages that were taken along name no request."""
    if current_task and "message_id" in event and event["message_id"] not in _own_messages():
        for name in OF_A_REQUEST:
            event.pop(name, None)
    return event


def _own_messages() -> Sequence[Any]:
    """The ids in the dispatch that this process is at work on."""
    arguments = current_task.request.args
    return arguments[0] if arguments and isinstance(arguments[0], list) else []
