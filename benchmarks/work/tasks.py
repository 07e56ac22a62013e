"""The doorways: our handlers. Bare Celery's tasks are in `benchmarks.peers.python.with_celery`."""

from uuid import UUID

import outbox
from benchmarks.work import effects


@outbox.handler("work.deduct_batch", batch_size=500)
def deduct_batch(messages: list[outbox.Message]) -> None:
    """Ours, as a batch handler: one statement for all."""
    effects.deduct_batch(
        [(UUID(message.args["operation"]), message.args["account_id"]) for message in messages]
    )


@outbox.handler("work.deduct")
def deduct(*, operation: str, account_id: int) -> None:
    """Ours, as an ordinary handler: ORM, a transaction for each message."""
    effects.deduct_guarded(operation=operation, account_id=account_id)


@outbox.handler("work.deduct_raw")
def deduct_raw(*, operation: str, account_id: int) -> None:
    """Ours, as an ordinary handler with one statement of SQL."""
    effects.deduct_raw(operation=operation, account_id=account_id)


@outbox.handler("work.nothing")
def nothing(*, operation: str, account_id: int) -> None:
    """Ours without an effect: what the outbox itself costs."""
