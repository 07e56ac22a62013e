"""Bare Celery: an app of its own with the five manners as tasks, and nothing of the project's."""

import django
from celery import Celery
from django.conf import settings
from django.db import transaction

app = Celery("bare")
app.config_from_object(settings, namespace="CELERY")
django.setup()

from benchmarks.work import effects  # noqa: E402 - its models need Django set up


@app.task(name="bare.naive")  # type: ignore[untyped-decorator]
def naive(operation: str, account_id: int) -> None:
    """What people write first."""
    effects.deduct_naive(operation=operation, account_id=account_id)


@app.task(name="bare.locked")  # type: ignore[untyped-decorator]
def locked(operation: str, account_id: int) -> None:
    """With select_for_update."""
    effects.deduct_locked(operation=operation, account_id=account_id)


@app.task(name="bare.guarded")  # type: ignore[untyped-decorator]
def guarded(operation: str, account_id: int) -> None:
    """The very ORM code of our ordinary handler."""
    with transaction.atomic():
        effects.deduct_guarded(operation=operation, account_id=account_id)


@app.task(name="bare.raw")  # type: ignore[untyped-decorator]
def raw(operation: str, account_id: int) -> None:
    """The very SQL of our raw handler: one statement, committed by itself."""
    effects.deduct_raw(operation=operation, account_id=account_id)


@app.task(name="bare.noop")  # type: ignore[untyped-decorator]
def noop(operation: str, account_id: int) -> None:
    """Nothing: what a Celery task costs whatever it does."""
