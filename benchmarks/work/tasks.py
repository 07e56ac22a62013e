"""The doorways: our handlers, and the bare Celery tasks beside them."""

from uuid import UUID

from celery import shared_task
from django.db import transaction

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


@shared_task(name="bare.naive", queue="bare", ignore_result=True)  # type: ignore[untyped-decorator]
def bare_naive(operation: str, account_id: int) -> None:
    """What people write first."""
    effects.deduct_naive(operation=operation, account_id=account_id)


@shared_task(name="bare.locked", queue="bare", ignore_result=True)  # type: ignore[untyped-decorator]
def bare_locked(operation: str, account_id: int) -> None:
    """With select_for_update."""
    effects.deduct_locked(operation=operation, account_id=account_id)


@shared_task(name="bare.guarded", queue="bare", ignore_result=True)  # type: ignore[untyped-decorator]
def bare_guarded(operation: str, account_id: int) -> None:
    """The very ORM code of our ordinary handler."""
    with transaction.atomic():
        effects.deduct_guarded(operation=operation, account_id=account_id)


@shared_task(name="bare.raw", queue="bare", ignore_result=True)  # type: ignore[untyped-decorator]
def bare_raw(operation: str, account_id: int) -> None:
    """The very SQL of our raw handler: one statement, committed by itself."""
    effects.deduct_raw(operation=operation, account_id=account_id)


@shared_task(name="bare.noop", queue="bare", ignore_result=True)  # type: ignore[untyped-decorator]
def bare_noop(operation: str, account_id: int) -> None:
    """Nothing: what a Celery task costs whatever it does."""
