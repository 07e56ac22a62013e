"""What the code at hand is running for: the operation, its trace, the message if there is one."""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from uuid import UUID

from outbox.ids import uuid7
from outbox.models import Message

TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, version 00: trace, parent, flags. https://www.w3.org/TR/trace-context/"""

_operation: ContextVar[UUID | None] = ContextVar("outbox_operation", default=None)
_trace: ContextVar[str] = ContextVar("outbox_trace", default="")
_message: ContextVar[Message | None] = ContextVar("outbox_message", default=None)
_held: ContextVar[frozenset[UUID]] = ContextVar("outbox_held", default=frozenset())
_tracer: Callable[[], str] = str  # says "" until there is one


def nothing(_: str, __: Sequence[Message]) -> AbstractContextManager[object]:
    """Stand around an effect without doing anything."""
    return nullcontext()


_around: Callable[[str, Sequence[Message]], AbstractContextManager[object]] = nothing


def current_message() -> Message | None:
    """The message whose effect is running; None outside handlers and inside batches."""
    return _message.get()


def current_operation() -> UUID:
    """The id that ties request, messages, Celery tasks, provider calls and log lines together.

    A new one where no operation was begun.
    """
    return _operation.get() or uuid7()


def current_traceparent(operation_id: UUID) -> str:
    """The W3C trace that this work belongs to: the tracer's, else what was handed in from outside.

    Else a new one, whose trace id is the operation's, so that one finds the other.
    """
    return (
        _tracer() or _trace.get() or f"00-{operation_id.hex}-{secrets.token_hex(8)}-00"
    )  # flags 00: nobody has recorded it


def set_tracer(tracer: Callable[[], str]) -> None:
    """Let a tracing library say what the current trace is: a `traceparent`, or "" where none is.

    A second call replaces the first.
    """
    global _tracer
    _tracer = tracer


@contextmanager
def around(handler: str, messages: Sequence[Message]) -> Iterator[None]:
    """What is entered before an effect runs, and left after it."""
    token = _held.set(frozenset(message.id for message in messages))
    try:
        with _around(handler, messages):
            yield
    finally:
        _held.reset(token)


def is_running(message_id: UUID) -> bool:
    """Whether the effect of this message, or of a batch with it, is what calls this."""
    return message_id in _held.get()


def set_around(enter: Callable[[str, Sequence[Message]], AbstractContextManager[object]]) -> None:
    """Let a tracing library open a span around every effect. A second call replaces the first.

    What it raises counts as the effect's own failure.
    """
    global _around
    _around = enter


@contextmanager
def trace(traceparent: str) -> Iterator[None]:
    """What is enqueued inside belongs to this trace. What is no `traceparent` is ignored."""
    token = _trace.set(traceparent if TRACEPARENT.fullmatch(traceparent) else "")
    try:
        yield
    finally:
        _trace.reset(token)


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
        with operation(message.operation_id), trace(message.traceparent):
            yield
    finally:
        _message.reset(token)
