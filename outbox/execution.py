"""One run: claim the rows, run their effect, mark them, commit. The row lock is the lease."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.db.models.functions import Now

from outbox import claims, context, endings, errors, failures, groups, hooks, runs
from outbox.delivery import Delivery
from outbox.handlers import Handler, Late
from outbox.models import Message, Run
from outbox.querysets import MessageQuerySet
from outbox.savepoints import savepoint
from outbox.tally import Tally

logger = logging.getLogger("outbox.execution")

OpenNext = Callable[[], Run | None]


class _Outcome:
    """What a transaction did: told once it has committed, and forgotten where it did not."""

    def __init__(self, tally: Tally, task_id: str) -> None:
        self.committed = False
        self.late = self.failed = 0
        self.done: list[Message] = []
        self._tally = tally
        self._task_id = task_id

    def tell(self) -> None:
        """Count it, and log what has been done."""
        self.committed = True
        self._tally.late += self.late
        self._tally.failed += self.failed
        self._tally.done += len(self.done)
        if self.done:
            _log_done(self.done, self._task_id)


class DeadTransaction(Exception):
    """The connection died under the effect: nothing of the transaction is left to write into."""


def run_first(handler: Handler, ids: Sequence[UUID], delivery: Delivery, tally: Tally) -> None:
    """Run these messages if none ran before, without a run record: the first run is free of charge.

    What was claimed, run or ended already is refused; that is how a second delivery ends. Nothing
    stands between the effect and its commit: at rest this is all that a job waits for.
    """
    claim = partial(claims.claim_first, handler, ids)
    _run(handler, claim, None, len(ids), delivery, tally, lambda: None)


def run_recorded(
    handler: Handler, run: Run, delivery: Delivery, tally: Tally, open_next: OpenNext
) -> Run | None:
    """Run what is next of a run record, unless the relay took that for a crash. As `run_first`.

    That is all of a batch handler's messages, or one of an ordinary handler's; for the others the
    same record is returned, without it. After the last one `open_next` records the next run in the
    same commit, and its record is returned.
    """
    size = handler.batch_size or 1
    ids, run.message_ids = run.message_ids[:size], run.message_ids[size:]
    claim = partial(claims.claim_recorded, handler, run, ids)
    return _run(handler, claim, run, len(ids), delivery, tally, open_next)


def _run(
    handler: Handler,
    claim: Callable[[], list[Message]],
    run: Run | None,
    expected: int,
    delivery: Delivery,
    tally: Tally,
    open_next: OpenNext,
) -> Run | None:
    claimed: list[Message] = []
    attempts: dict[UUID, int] = {}
    next_run: Run | None = None
    hooks_follow = False
    outcome = _Outcome(tally, delivery.task_id)
    try:
        with transaction.atomic(durable=True):
            transaction.on_commit(outcome.tell)  # the first hook to run
            claimed = claim()
            attempts = {message.id: message.attempts for message in claimed}
            tally.refused += expected - len(claimed)
            if timely := _drop_late(handler, claimed, outcome):
                _run_effect(handler, timely, delivery, outcome)
            hooks_follow = _long_hooks_follow()
            if not hooks_follow:
                next_run = _go_on(run, open_next)
            elif run is not None and run.message_ids:
                runs.withdraw(run)
    except Exception as error:
        if outcome.committed:
            # What is recorded must be run all the same, or its record would count as a crash.
            logger.exception("a hook after the commit failed", extra={"handler": handler.name})
            return open_next() if hooks_follow else next_run
        if not isinstance(error, DatabaseFailure | DeadTransaction):
            raise
        _note_dead_transaction(handler, run, attempts, error, delivery)
        tally.failed += len(claimed)
        return None
    return open_next() if hooks_follow else next_run


def _go_on(run: Run | None, open_next: OpenNext) -> Run | None:
    """This record again, with what is left of it, or the next one.

    Between two of its messages nobody holds it. So it must not be old enough to look like a crash.
    """
    if run is not None and run.message_ids:
        if time.monotonic() - run.opened_at < runs.LONGEST_UNHELD:
            return run
        runs.withdraw(run)
    return open_next()


def _long_hooks_follow() -> bool:
    """Whether the effect left hooks of its own, such as outside calls, or ended many groups' heads.

    A run recorded with the commit would wait for them unheld, and be taken for a crash.
    """
    return hooks.may_take_long(connection, first=1)


def _run_effect(
    handler: Handler, messages: list[Message], delivery: Delivery, outcome: _Outcome
) -> None:
    """The effect in a savepoint: where it fails, it is undone and the rows are still held."""
    try:
        with savepoint("handler"):
            _call(handler, messages)
    except Exception as error:
        if connection.needs_rollback:  # not even the savepoint could be rolled back
            raise DeadTransaction(errors.text_of(error)) from error
        failures.record(handler, messages, error, delivery)
        outcome.failed = len(messages)
    else:
        claims.mark_done(messages, delivery)
        for message in messages:
            groups.promote_after_commit(message)
        outcome.done = messages


def _call(handler: Handler, messages: list[Message]) -> None:
    with context.around(handler.name, messages):
        if handler.batch_size is not None:
            handler.function(messages)
            return
        (message,) = messages
        with context.running(message):
            handler.function(**message.args)


def _log_done(messages: list[Message], task_id: str) -> None:
    """A line for an effect, or for a whole batch: logging must not cost more than the work."""
    if len(messages) == 1:
        told = endings.describe(messages[0]) | {"attempt": messages[0].attempts + 1}
    else:
        told = {"handler": messages[0].handler, "size": len(messages)}
    logger.info("effect done", extra=told | {"task_id": task_id})


def _drop_late(handler: Handler, messages: list[Message], outcome: _Outcome) -> list[Message]:
    """Those that may still run; the others end as the handler's late policy says."""
    timely = []
    for message in messages:
        late = message.expires_at is not None and message.expires_at <= message.claimed_at
        if late and handler.late is not Late.RUN:
            _end_late(handler, message)
            outcome.late += 1
        else:
            timely.append(message)
    return timely


def _end_late(handler: Handler, message: Message) -> None:
    reason = f"Claimed at {message.claimed_at:%Y-%m-%d %H:%M:%S} UTC, after it had expired."
    ask = handler.late is Late.ASK
    endings.end(message, Message.State.DEAD if ask else Message.State.EXPIRED, reason)


def _note_dead_transaction(
    handler: Handler,
    run: Run | None,
    attempts: dict[UUID, int],
    error: Exception,
    delivery: Delivery,
) -> None:
    """The transaction is gone and the worker is not: say what happened in another one.

    `attempts` is what the claim found, by the ids of the messages.
    """
    logger.warning("transaction died", extra={"handler": handler.name, "error": str(error)})
    connection.close()
    with transaction.atomic(durable=True):
        if run is not None:
            runs.withdraw(run)
        for message_id, counted in attempts.items():
            for message in _as_claimed(message_id, counted).held():
                if len(attempts) == 1:
                    failures.record(handler, [message], error, delivery)
                elif not message.alone:
                    failures.isolate([message], error, delivery)


def _as_claimed(message_id: UUID, attempts: int) -> MessageQuerySet:
    """The message, unless something was written about it since its claim.

    The row has been free meanwhile, and a COMMIT whose reply was lost may have succeeded: with the
    effect, with a failure that is counted, or with a snooze, which shows in `due_at` alone.
    """
    return Message.objects.filter(
        id=message_id, state=Message.State.PENDING, attempts=attempts, due_at__lte=Now()
    )
