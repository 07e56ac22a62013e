"""The same deduction in five manners, from what people write first to what a batch handler does."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from benchmarks.work.models import Account, Entry


def deduct_naive(*, operation: str, account_id: int) -> None:
    """Read, check, save: two workers read the same number, and one deduction is lost."""
    account = Account.objects.get(pk=account_id)
    amount = 1 if account.credits > 0 else 0
    if amount:
        account.credits -= amount
        account.save()
    Entry.objects.create(operation=operation, account_id=account_id, amount=-amount)


def deduct_locked(*, operation: str, account_id: int) -> None:
    """The same with the row locked."""
    with transaction.atomic():
        account = Account.objects.select_for_update(no_key=True).get(pk=account_id)
        amount = 1 if account.credits > 0 else 0
        if amount:
            account.credits -= amount
            account.save(update_fields=["credits"])
        Entry.objects.create(operation=operation, account_id=account_id, amount=-amount)


def deduct_guarded(*, operation: str, account_id: int) -> None:
    """One guarded update and one insert through the ORM; inside a transaction of the caller."""
    some_left = Account.objects.filter(pk=account_id, credits__gt=0)
    amount = some_left.update(credits=F("credits") - 1)
    Entry.objects.create(operation=operation, account_id=account_id, amount=-amount)


def deduct_raw(*, operation: str, account_id: int) -> None:
    """The guarded update and the insert as one statement."""
    with connection.cursor() as cursor:
        cursor.execute(DEDUCT_ONE, {"operation": operation, "account": account_id})


def deduct_batch(jobs: Sequence[tuple[UUID, int]]) -> None:
    """All of them in one statement, their accounts' rows locked in one order."""
    operations = [operation for operation, _ in jobs]
    accounts = [account_id for _, account_id in jobs]
    with connection.cursor() as cursor:
        cursor.execute(DEDUCT_MANY, {"operations": operations, "accounts": accounts})


DEDUCT_ONE = """
    WITH paid AS (
        UPDATE work_account SET credits = credits - 1
        WHERE id = %(account)s AND credits > 0 RETURNING id
    )
    INSERT INTO work_entry (operation, account_id, amount)
    SELECT %(operation)s, %(account)s, -(SELECT count(*) FROM paid)
"""

# `held` waits for its rows in the order of their ids and then sees their newest state. Any number
# of jobs may name the same account: those beyond its credits are written with 0.
DEDUCT_FROM = """
    , held AS MATERIALIZED (
        SELECT id, credits FROM work_account
        WHERE id IN (SELECT account_id FROM job) ORDER BY id FOR NO KEY UPDATE
    ), numbered AS (
        SELECT operation, account_id, row_number() OVER (PARTITION BY account_id) AS place FROM job
    ), entry AS (
        INSERT INTO work_entry (operation, account_id, amount)
        SELECT operation, account_id, CASE WHEN place <= credits THEN -1 ELSE 0 END
        FROM numbered JOIN held ON held.id = account_id
        RETURNING account_id, amount
    ), spent AS (
        SELECT account_id, sum(amount) AS amount FROM entry GROUP BY account_id
    )
    UPDATE work_account AS account SET credits = credits + spent.amount
    FROM spent WHERE account.id = spent.account_id AND spent.amount < 0
"""

_JOBS = """
    WITH job AS (
        SELECT * FROM unnest(%(operations)s::uuid[], %(accounts)s::integer[])
            AS job(operation, account_id)
    )
"""
DEDUCT_MANY = _JOBS + DEDUCT_FROM
