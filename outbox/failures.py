"""What a failure writes. The row is still held here: nobody can run it in between.

Written after the rollback instead, in a transaction of its own, a failing job would be free for a
moment with nothing said about it, and run several times in its first second.
"""

import logging
from collections.abc import Sequence

from django.db.models.functions import Now

from outbox import endings, errors
from outbox.delivery import Delivery
from outbox.errors import Fatal, Snooze
from outbox.handlers import CRASH_LIMIT, MOST_ATTEMPTS, Handler, Retry
from outbox.models import Event, Message

logger = logging.getLogger("outbox.failures")


def record(
    handler: Handler, messages: Sequence[Message], error: BaseException, delivery: Delivery
) -> None:
    """Write down that the effect of these held messages raised `error`, and what comes next."""
    if len(messages) > 1:
        isolate(messages, error, delivery)
    elif isinstance(error, Snooze):
        _snooze(messages[0], error, delivery)
    else:
        _fail(handler, messages[0], error, delivery)


def record_crash(handler: Handler | None, message: Message, worker: str, *, counted: bool) -> None:
    """Write down that a run of this held message ended without a word.

    Only a crash alone is `counted`, and backs off; at CRASH_LIMIT of them the message is dead, even
    where its retries are unlimited. What crashed in company runs alone at once, as after a batch
    that failed: that happens once to a message, and most of them only kept bad company. Raises
    where `on_abandoned` did not get a lock in time: the caller comes again.
    """
    error = f"The process {worker} died or lost its connection while it ran this."
    if not counted:
        _save(message, error=error, kind=Event.Kind.CRASHED, worker=worker, alone=True)
        return
    message.crashes += 1
    if message.crashes >= CRASH_LIMIT:
        reason = f"{error} That was crash {message.crashes} while it ran alone."
        _save(message, error=reason, kind=Event.Kind.CRASHED, worker=worker)
        endings.end(message, Message.State.DEAD, reason, worker=worker, comes_again=True)
        return
    delay = (handler.retry if handler else Retry()).delay(message.crashes)
    _save(
        message,
        error=error,
        kind=Event.Kind.CRASHED,
        worker=worker,
        alone=True,
        due_at=Now() + delay,
    )


def isolate(messages: Sequence[Message], error: BaseException, delivery: Delivery) -> None:
    """A batch failed: nobody knows through whom. Each runs alone next, uncounted, at once."""
    ids = [message.id for message in messages]
    Message.objects.among(ids).update(alone=True)
    Event.objects.bulk_create(
        Event(
            message=message,
            kind=Event.Kind.ISOLATED,
            attempt=message.attempts,
            error=errors.text_of(error),
            worker=delivery.worker,
            task_id=delivery.task_id,
        )
        for message in messages
    )
    logger.warning(
        "batch failed; its messages will run alone",
        extra={"handler": messages[0].handler, "size": len(ids), "error": errors.text_of(error)},
    )


def _snooze(message: Message, error: Snooze, delivery: Delivery) -> None:
    _save(
        message,
        error=errors.text_of(error),
        kind=Event.Kind.SNOOZED,
        worker=delivery.worker,
        task_id=delivery.task_id,
        due_at=Now() + error.delay,
    )


def _fail(handler: Handler, message: Message, error: BaseException, delivery: Delivery) -> None:
    message.attempts = min(message.attempts + 1, MOST_ATTEMPTS)
    _save(
        message,
        error=errors.text_of(error),
        kind=Event.Kind.FAILED,
        worker=delivery.worker,
        task_id=delivery.task_id,
        due_at=Now() + handler.retry.delay(message.attempts),
    )
    logger.warning(
        "attempt failed",
        extra=endings.describe(message) | {"error": errors.text_of(error)},
        exc_info=error,
    )
    if isinstance(error, Fatal) or handler.retry.exhausted(message.attempts):
        endings.end(message, Message.State.DEAD, errors.text_of(error), worker=delivery.worker)


def _save(
    message: Message, *, error: str, kind: str, worker: str, task_id: str = "", **changes: object
) -> None:
    updated = Message.objects.filter(id=message.id, state=Message.State.PENDING).update(
        attempts=message.attempts, crashes=message.crashes, last_error=error, **changes
    )
    if updated != 1:
        raise RuntimeError(f"Message {message.id} changed while it was held.")
    Event.objects.create(
        message=message,
        kind=kind,
        attempt=message.attempts,
        error=error,
        worker=worker,
        task_id=task_id,
    )
