"""A run: page after page, each a transaction of its own, resumable at any of them."""

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from outbox.reconciliation.checks import Check, Suspect, registered
from outbox.reconciliation.models import Finding, Reconciliation

logger = logging.getLogger("outbox.reconciliation")

STALLED = timedelta(minutes=10)
"""A run that has not moved for so long has died, and gives way to the next."""

NEEDS_A_PERSON = "needs a person"


def begin(*, cause: str, dry_run: bool = False) -> Reconciliation | None:
    """Start a run, or None while another one is running: one is enough."""
    with transaction.atomic(), connection.cursor() as cursor:
        Reconciliation.objects.filter(running=True, moved_at__lt=Now() - STALLED).update(
            running=None
        )
        cursor.execute(
            "INSERT INTO outbox_reconciliation (running, cause, dry_run, checked)"
            " VALUES (true, %s, %s, '{}') ON CONFLICT (running) DO NOTHING RETURNING id",
            [cause, dry_run],
        )
        row = cursor.fetchone()
    return None if row is None else Reconciliation.objects.get(pk=row[0])


def step(run: Reconciliation, name: str, after: str) -> str | None:
    """One page of one check, with the repairs of what it finds. Returns where to go on, or None.

    The caller's transaction is its own: a step that is killed is done again, and finds what it
    had repaired to be well, or its repair undone with it.
    """
    check = registered()[name]
    page = check.page(after)
    for subject in page.subjects:
        _look_closer(run, check, subject)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_reconciliation SET moved_at = now(), checked = checked ||"
            " jsonb_build_object(%s::text, coalesce((checked ->> %s)::bigint, 0) + %s)"
            " WHERE id = %s",
            [name, name, page.rows, run.pk],
        )
    return page.next


def finish(run: Reconciliation) -> None:
    """Every check has been through. A second call changes nothing."""
    Reconciliation.objects.filter(Q(pk=run.pk), finished_at=None).update(
        finished_at=Now(), running=None
    )


def _look_closer(run: Reconciliation, check: Check, subject: str) -> None:
    """Confirm and repair in one savepoint: what cannot be mended must not hold up the rest."""
    try:
        with transaction.atomic():
            suspect = check.confirm(subject)
            if suspect is None:
                return
            repair = "" if run.dry_run else check.repair(suspect)
            _note(run, check, suspect, repair)
    except Exception as error:
        logger.exception("a check failed", extra={"check": check.name, "subject": subject})
        told = f"{type(error).__name__}: {error}"[:1_000]
        _note(run, check, Suspect("check_failed", subject, {"error": told}), "")


def _note(run: Reconciliation, check: Check, suspect: Suspect, repair: str) -> None:
    Finding.objects.create(
        reconciliation=run,
        check_name=check.name,
        type=suspect.type,
        subject=suspect.subject,
        severity=suspect.severity,
        evidence=suspect.evidence,
        repair=repair or ("not tried: dry run" if run.dry_run else NEEDS_A_PERSON),
        repaired=bool(repair),
    )
    logger.warning(
        "finding",
        extra={"check": check.name, "type": suspect.type, "subject": suspect.subject},
    )
