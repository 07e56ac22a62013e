"""How a message ends otherwise than done. The caller holds its row."""

import logging

from django.db import OperationalError, connection
from django.db.models.functions import Now

from outbox import errors, groups, handlers, hooks
from outbox.models import Event, Message
from outbox.savepoints import savepoint

logger = logging.getLogger("outbox.endings")


def end(
    message: Message,
    state: str,
    reason: str,
    *,
    actor: str = "",
    worker: str = "",
    comes_again: bool = False,
    goes_on: bool = False,
) -> None:
    """Write the end and tell the handler's `on_abandoned`, in the caller's transaction.

    An error in `on_abandoned` does not keep the message alive: it is noted beside the reason,
    since a dead message without its side effect is better than one that nobody can end. Only who
    `comes_again` gets to see that a lock was not to be had in time, and only who `goes_on` that a
    deferred constraint is broken: at the COMMIT, for until then that may be mended.
    """
    updated = (
        Message.objects.filter(id=message.id, state__in=[*Message.WAITING, Message.State.DEAD])
        .exclude(state=state)
        .update(state=state, finished_at=Now(), last_error=reason)
    )
    if updated != 1:
        raise RuntimeError(f"Message {message.id} was ended by somebody else while it was held.")
    message.state, message.last_error = Message.State(state), reason
    if error := _tell(message, state, reason, comes_again=comes_again, goes_on=goes_on):
        reason = f"{reason}\non_abandoned failed: {error}"
    Event.objects.create(
        message=message,
        kind=state,
        attempt=message.attempts,
        error=reason,
        worker=worker,
        actor=actor,
    )
    groups.promote_after_commit(message)
    told = describe(message) | {"state": state, "reason": reason}
    hooks.of_this_commit(connection, _Told).ends.append(told)


class _Told(hooks.Hook):
    """The ends of one transaction, for the log: none that is undone, as in a dry run."""

    def __init__(self) -> None:
        self.ends: list[dict[str, object]] = []

    @property
    def steps(self) -> int:
        """None: lines of a log."""
        return 0

    def __call__(self) -> None:
        for told in self.ends:
            logger.info("message ended", extra=told)


def describe(message: Message) -> dict[str, object]:
    """The fields by which log lines of web, relay and worker find together."""
    return {
        "message_id": str(message.id),
        "operation_id": str(message.operation_id),
        "handler": message.handler,
        "attempt": message.attempts,
        "idempotency_key": message.key or "",
    }


def _tell(message: Message, state: str, reason: str, *, comes_again: bool, goes_on: bool) -> str:
    handler = handlers.find(message.handler)
    if handler is None or handler.on_abandoned is None:
        return ""
    try:
        with savepoint("function", complete=not goes_on):
            handler.on_abandoned(message.args, state, reason)
    except Exception as error:
        if comes_again and _was_in_the_way(error):
            raise
        logger.exception("on_abandoned failed", extra=describe(message))
        return errors.text_of(error)
    return ""


def _was_in_the_way(error: Exception) -> bool:
    sqlstate = getattr(error.__cause__, "sqlstate", "")
    return isinstance(error, OperationalError) and sqlstate in errors.LOCKED
