"""Dispatches: Celery tasks that say "there is work". Hints, sent after the commit, best effort.

One may be lost, doubled, late or forged; the table decides what happens. So nothing here waits,
retries or remembers: after a failure the broker is left alone for a moment, and the relay makes
up for it.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Self
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from outbox import coalescing, handlers, hooks
from outbox.cooldown import Cooldown
from outbox.handlers import Handler
from outbox.position import Position

logger = logging.getLogger("outbox.dispatch")

MOST_PER_COMMIT = 8
"""Dispatches per handler and commit. A consumer takes along what is due, so few carry many."""

MOST_IDS = 500
"""Ids in one dispatch: some 20 kB on the wire."""

EXPIRES_SECONDS = 60
"""Celery compares this with the worker's own clock, which may be off by seconds."""

_cooldown = Cooldown(first=3.0, longest=60.0)  # of the broker


def after_commit(connection: BaseDatabaseWrapper, handler: Handler, ids: Iterable[UUID]) -> None:
    """Send dispatches for these messages once the current transaction has committed.

    Calls in one transaction and savepoint share their dispatches; the savepoints of a transaction
    share what may be sent for it.
    """
    hook = hooks.of_this_commit(connection, _OnCommit)
    hook.ids.setdefault(handler.name, []).extend(ids)


class _OnCommit(hooks.Hook):
    """The messages of one transaction, or of one of its savepoints, by handler."""

    def __init__(self) -> None:
        self.ids: dict[str, list[UUID]] = {}
        self.spent: Counter[str] = Counter()  # dispatches of the whole transaction, by handler

    def share_with(self, other: Self) -> None:
        self.spent = other.spent

    def __call__(self) -> None:
        for name, ids in self.ids.items():
            if _cooldown.is_on():
                return
            handler = handlers.get(name)
            chunks = list(_chunks(ids, handler))[: MOST_PER_COMMIT - self.spent[name]]
            self.spent[name] += len(chunks)
            if not _send_all(handler, chunks):
                return


def _send_all(handler: Handler, chunks: list[list[UUID]]) -> bool:
    """Returns whether the broker takes more."""
    alone = len(chunks) == 1
    if alone and not coalescing.take_off(handler, chunks[0]):
        return True  # the one in the air will take these along
    for chunk in chunks:
        if not send(handler, chunk):
            if alone:  # its mark would say for a second that one is in the air
                coalescing.land(handler, chunk)
            return False
    return True


def _chunks(ids: list[UUID], handler: Handler) -> Iterator[list[UUID]]:
    """At rest each message has a dispatch of its own; under load few carry many."""
    size = min(max(handler.batch_size or 1, ceil(len(ids) / MOST_PER_COMMIT)), MOST_IDS)
    for start in range(0, min(len(ids), size * MOST_PER_COMMIT), size):
        yield ids[start : start + size]


def send(handler: Handler, ids: Iterable[UUID] = (), begin: Position | None = None) -> bool:
    """Publish one dispatch; without ids it says "whatever is due, from `begin` on".

    Returns whether it went out. Never raises; nothing is tried while the broker is left alone.
    """
    if _cooldown.is_on():
        return False
    try:
        handler.task.apply_async(
            args=[[str(one) for one in ids]],
            queue=handler.queue,
            expires=EXPIRES_SECONDS,
            retry=False,
            headers={
                "dispatched_at": timezone.now().isoformat(),
                "begin": str(begin) if begin else None,
            },
        )
    except Exception as error:  # whatever the broker's client raises: the relay will make up for it
        _cooldown.failed()
        logger.warning(
            "dispatch failed; the relay will send another",
            extra={"handler": handler.name, "error": str(error)},
        )
        return False
    _cooldown.succeeded()
    return True
