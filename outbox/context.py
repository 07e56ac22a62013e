"""What the code at hand is running for: the operation, and the message if there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from outbox.ids import uuid7
from outbox.models import Message

_operation: ContextVar[UUID | None] = ContextVar("outbox_operation", default=None)
_message: ContextVar[Message | None] = ContextVar("outbox_message", default=None)


def current_message() -> Message | None:
    """The message whose effect is running; None outside handlers and inside batches."""
    return _message.get()


def current_operation() -> UUID:
    """The id that ties request, messages, Celery tasks, provider calls and log lines together.

    A new one where no operation was begun.
    """
    return _operation.get() or uuid7()


@contextmanager
def operation(operation_id: UUID | None = None) -> Iterator[UUID]:
    """Everything enqueued inside belongs to this operation (a new one by default)."""
    begun = operation_id or uuid7()
    token = _operation.set(begun)
    try:
        yield begun
    finally:
        _operation.reset(token)


@contextmanager
def running(message: Message) -> Iterator[None]:
    """The effect of `message` runs inside; what it enqueues continues its operation."""
    token = _message.set(message)
    try:
        with operation(message.operation_id):
            yield
    finally:
        _message.reset(token)
