"""A transactional outbox for Django and Celery: one row, one lock, one commit.

import outbox

@outbox.handler("shop.send_receipt")
def send_receipt(*, order_id: int) -> None: ...

with transaction.atomic():
    order.save()
    outbox.enqueue("shop.send_receipt", args={"order_id": order.id}, key=f"receipt:{order.id}")
"""

from typing import TYPE_CHECKING, Any

from outbox.errors import (
    CancelsItself,
    Fatal,
    InvalidArguments,
    KeyConflict,
    NotInTransaction,
    NotRedrivable,
    OutboxError,
    Snooze,
    Transient,
    UnknownHandler,
)
from outbox.handlers import Handler, Late, Retry, handler

if TYPE_CHECKING:
    from outbox.context import current_message, current_operation, operation
    from outbox.deadletters import cancel, discard, redrive
    from outbox.enqueueing import Enqueued, enqueue, enqueue_many
    from outbox.idempotent_http import idempotent_post
    from outbox.keys import FOREVER, WHILE_PENDING, Unique, for_period
    from outbox.models import Message

# Django imports this package before its models may be: these are looked up when first used.
_LATER = {
    "FOREVER": "keys",
    "WHILE_PENDING": "keys",
    "Enqueued": "enqueueing",
    "Message": "models",
    "Unique": "keys",
    "cancel": "deadletters",
    "current_message": "context",
    "current_operation": "context",
    "discard": "deadletters",
    "enqueue": "enqueueing",
    "enqueue_many": "enqueueing",
    "for_period": "keys",
    "idempotent_post": "idempotent_http",
    "operation": "context",
    "redrive": "deadletters",
}

__all__ = [
    "FOREVER",
    "WHILE_PENDING",
    "CancelsItself",
    "Enqueued",
    "Fatal",
    "Handler",
    "InvalidArguments",
    "KeyConflict",
    "Late",
    "Message",
    "NotInTransaction",
    "NotRedrivable",
    "OutboxError",
    "Retry",
    "Snooze",
    "Transient",
    "Unique",
    "UnknownHandler",
    "cancel",
    "current_message",
    "current_operation",
    "discard",
    "enqueue",
    "enqueue_many",
    "for_period",
    "handler",
    "idempotent_post",
    "operation",
    "redrive",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module 'outbox' has no attribute {name!r}")
    return getattr(import_module(f"outbox.{_LATER[name]}"), name)
