"""Ways to spend one credit for one text, from what everyone writes to what the outbox does.

Each takes the account's and the job's number and returns how often it tried. The text that it
sends is a line in the ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from races.models import HotAccount, HotEntry, HotJob

MOST_TRIES = 200
CLAIM = 100
"""Jobs that one claim takes at most."""


@dataclass(frozen=True)
class Done:
    """What one delivery did: how many jobs, in how many tries."""

    jobs: int = 1
    tries: int = 1


@dataclass(frozen=True)
class Strategy:
    """One way. ``claims``: its jobs lie in a table, and a dispatch only says that there are some.

    ``costs`` and ``keeps`` are sentences for the table of strategies.
    """

    name: str
    title: str
    spend: Callable[[int, int], Done]
    costs: str
    keeps: str
    naive: bool = False
    claims: bool = False


def read_check_save(account: int, job: int) -> Done:
    """As everyone writes it."""
    found = HotAccount.objects.get(pk=account)
    if found.credits > 0:
        found.credits -= 1
        found.save(update_fields=["credits"])
        _send(account, job)
    return Done()


def in_a_transaction(account: int, job: int) -> Done:
    """The same between BEGIN and COMMIT."""
    with transaction.atomic():
        return read_check_save(account, job)


def row_lock(account: int, job: int) -> Done:
    """Hold the row, then look."""
    with transaction.atomic():
        found = HotAccount.objects.select_for_update().get(pk=account)
        if found.credits > 0:
            found.credits -= 1
            found.save(update_fields=["credits"])
            _send(account, job)
    return Done()


def guarded_update(account: int, job: int) -> Done:
    """One statement decides and acts; its count is looked at."""
    with transaction.atomic():
        if _take(account):
            _send(account, job)
    return Done()


def version(account: int, job: int) -> Done:
    """Look, then write only if nobody was faster; else again."""
    for tries in range(1, MOST_TRIES):
        with transaction.atomic():
            found = HotAccount.objects.get(pk=account)
            if found.credits < 1:
                return Done(tries=tries)
            unchanged = HotAccount.objects.filter(pk=account, version=found.version)
            if unchanged.update(credits=found.credits - 1, version=found.version + 1):
                _send(account, job)
                return Done(tries=tries)
    raise RuntimeError("the version was never the one that had been read")


def serializable(account: int, job: int) -> Done:
    """The naive code; PostgreSQL refuses what would not have come of taking turns."""
    for tries in range(1, MOST_TRIES):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                read_check_save(account, job)
            return Done(tries=tries)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in ("40001", "40P01"):
                raise
    raise RuntimeError("never serializable")


def once_per_job(account: int, job: int) -> Done:
    """The guarded update, and a constraint by which a job has one line in the ledger."""
    try:
        with transaction.atomic():
            if _take(account):
                HotEntry.objects.create(account_id=account, job=job, once=job)
    except IntegrityError:
        return Done()  # this job was delivered before: the credit comes back with the rollback
    return Done()


def claim_a_batch(account: int, job: int) -> Done:
    """As the outbox does it: claim what waits, spend for all of it at once, mark it, commit."""
    with transaction.atomic():
        waiting = HotJob.objects.filter(account_id=account, done=False).order_by("pk")
        claimed = list(waiting.select_for_update(skip_locked=True)[:CLAIM])
        if not claimed:
            return Done(jobs=0)
        held = HotAccount.objects.select_for_update().get(pk=account)
        paid = claimed[: held.credits]
        HotAccount.objects.filter(pk=account).update(credits=F("credits") - len(paid))
        HotEntry.objects.bulk_create(
            HotEntry(account_id=account, job=each.number, once=each.number) for each in paid
        )
        HotJob.objects.filter(pk__in=[each.pk for each in claimed]).update(done=True)
    return Done(jobs=len(claimed))


def _take(account: int) -> bool:
    rows = HotAccount.objects.filter(pk=account, credits__gt=0)
    return bool(rows.update(credits=F("credits") - 1))


def _send(account: int, job: int) -> None:
    HotEntry.objects.create(account_id=account, job=job)


STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy(
            "naive", "Read, check, save", read_check_save,
            "Nothing, until somebody adds it up.",
            "Neither the counter nor the ledger.", naive=True,
        ),
        Strategy(
            "transaction", "The same in a transaction", in_a_transaction,
            "A COMMIT more.", "No more than without: READ COMMITTED is no mutual exclusion.",
            naive=True,
        ),
        Strategy(
            "row-lock", "Row lock", row_lock,
            "Everybody waits for whoever has the row, from its read to its commit.",
            "The counter. A job delivered twice is done twice.",
        ),
        Strategy(
            "guarded", "Guarded update", guarded_update,
            "Waits, but only from the one UPDATE to the commit.",
            "The counter. A job delivered twice is done twice.",
        ),
        Strategy(
            "version", "Version column", version,
            "Every collision is work thrown away and done again.",
            "The counter. A job delivered twice is done twice.",
        ),
        Strategy(
            "serializable", "Serializable, retried", serializable,
            "Refusals, and each is a whole transaction again.",
            "The counter. A job delivered twice is done twice.",
        ),
        Strategy(
            "once", "Guarded update, once per job", once_per_job,
            "An index more on the ledger.",
            "Counter and ledger, however often a job is delivered.",
        ),
        Strategy(
            "claimed", "Claimed in batches, as the outbox does", claim_a_batch,
            "A table of jobs. Many jobs share one transaction, so each waits for its batch.",
            "Counter and ledger, however often a dispatch is delivered.", claims=True,
        ),
    )
}  # fmt: skip
