"""A run: page after page, each a transaction of its own, resumable at any of them."""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from outbox import errors
from outbox.reconciliation import acts
from outbox.reconciliation.checks import Check, Page, Suspect, registered
from outbox.reconciliation.models import Finding, Reconciliation
from outbox.savepoints import savepoint

logger = logging.getLogger("outbox.reconciliation")

STALLED = timedelta(minutes=10)
"""A run that has not moved for so long, and that nobody holds, gives way to the next."""

FRESH = timedelta(hours=1)
"""A dead run that began longer ago is not gone on with: what it has looked at may be otherwise by
now, and its end would say of every check that it was well at that time."""

TRIES = 3
"""How often a page is tried on which others at work are in the way; then that is a finding."""

KEPT = timedelta(days=365)
"""How long a run and its findings are kept: as long as dead letters."""

NEEDS_A_PERSON = "needs a person"
NOT_TRIED = "not tried: dry run"


@dataclass(frozen=True)
class Step:
    """What a step left to do: the number of the next one, or None after the last."""

    next_turn: int | None


def begin(
    *,
    cause: str,
    names: Sequence[str] = (),
    dry_run: bool = False,
    by_session: bool = False,
) -> Reconciliation | None:
    """Start a run over these checks (none named: all), or None while another one is running.

    With `by_session` this database session drives it, and the run has died when the session has.
    One that died is taken over where it stands if it is the same and fresh; else it gives way.
    """
    wanted = sorted(names or registered())
    with transaction.atomic():
        died = Reconciliation.objects.under_way().at_rest().first()
        if died is not None and not _is_alive(died):
            if (died.names, died.dry_run) == (wanted, dry_run) and _is_fresh(died):
                return _take_over(died, by_session=by_session)
            Reconciliation.objects.filter(pk=died.pk).update(running=None)
        return _insert(cause, wanted, dry_run=dry_run, by_session=by_session)


def step(run: Reconciliation, turn: int | None = None) -> Step:
    """One page of one check, with the repairs of what it finds; the last one ends the run.

    The caller's transaction is its own: a step that is killed is done again, and finds what it
    had repaired to be well, or its repair undone with it. With a `turn`, only that step is taken:
    a second call for it finds it taken, and does nothing.
    """
    held = Reconciliation.objects.under_way().locked().filter(pk=run.pk).first()
    if held is None or (turn is not None and held.turn != turn):
        return Step(None)
    if not held.present:
        return _finish(held)
    check = registered().get(held.present)
    if check is None:  # another release knows it
        _move(held, Page(0, [], None), known=0)
    else:
        page, known = _try(held, check)
        _move(held, page, known)
    return Step(held.turn + 1)


def _is_alive(run: Reconciliation) -> bool:
    """Nobody holds it at this moment. Its session, or the messages of its chain, may go on with it.

    A session that a pooler keeps open is given up by the clock alone.
    """
    still = Reconciliation.objects.filter(pk=run.pk).annotate(
        rest=ExpressionWrapper(Now() - F("moved_at"), output_field=DurationField())
    )
    if still.get().rest > STALLED:  # type: ignore[attr-defined]
        return False
    return run.session is None or _session_lives(run)


def _is_fresh(run: Reconciliation) -> bool:
    return Reconciliation.objects.filter(pk=run.pk, started_at__gte=Now() - FRESH).exists()


def _session_lives(run: Reconciliation) -> bool:
    """Whether the backend is there, and no later one of the same number.

    Its start is hidden from other roles: what cannot be seen is taken for alive.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s"
            " AND coalesce(backend_start = %s, true))",
            [run.session, run.session_since],
        )
        return bool(cursor.fetchone()[0])


def _take_over(run: Reconciliation, *, by_session: bool) -> Reconciliation:
    """Go on with it; whoever drove it before finds its turn gone."""
    _update(run, turn=run.turn + 1, moved_at=Now())
    _drive(run, by_session=by_session)
    return Reconciliation.objects.get(pk=run.pk)


def _insert(
    cause: str, names: list[str], *, dry_run: bool, by_session: bool
) -> Reconciliation | None:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [cause, dry_run, json.dumps(names)])
        row = cursor.fetchone()
    if row is None:
        return None
    run = Reconciliation.objects.get(pk=row[0])
    _drive(run, by_session=by_session)
    return run


def _drive(run: Reconciliation, *, by_session: bool) -> None:
    """Write down by whom: this session, or a chain of messages."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSION if by_session else _CHAIN, [run.pk])


def _move(run: Reconciliation, page: Page, known: int) -> None:
    """Where the next step goes on, and how much was seen so far."""
    name = run.present
    _update(
        run,
        moved_at=Now(),
        turn=run.turn + 1,
        after=page.next or "",
        done=run.done + (page.next is None),
        checked={**run.checked, name: run.checked.get(name, 0) + page.rows},
        known=run.known + known,
    )


def _finish(run: Reconciliation) -> Step:
    """Every check has been through."""
    _update(run, finished_at=Now(), moved_at=Now(), running=None)
    Reconciliation.objects.filter(running=None, started_at__lt=Now() - KEPT).delete()
    return Step(None)


def _update(run: Reconciliation, **columns: Any) -> None:
    """Write to the run whose row is held."""
    Reconciliation.objects.filter(pk=run.pk).update(**columns)


class _InTheWay(Exception):
    """Others, at work, hold what is needed: it passes."""


def _try(run: Reconciliation, check: Check) -> tuple[Page, int]:
    """The check's next page, mended, and how many of what it found are known.

    Where others are in the way the whole page is undone, and tried again: they may wait, in turn,
    for what an earlier repair on it holds.
    """
    for _ in range(TRIES - 1):
        with suppress(_InTheWay), transaction.atomic():
            return _look(run, check, patient=True)
    return _look(run, check, patient=False)


def _look(run: Reconciliation, check: Check, *, patient: bool) -> tuple[Page, int]:
    """As `_try`, once. Raises _InTheWay if it is patient; else that is a finding, too."""
    page = _page(run, check, patient=patient)
    known = [_look_closer(run, check, one, patient=patient) for one in page.subjects]
    return page, sum(known)


def _page(run: Reconciliation, check: Check, *, patient: bool) -> Page:
    """The check's next page. One that raises is a finding itself, and the next check's turn."""
    try:
        with savepoint("check"):
            return check.page(run.after)
    except Exception as error:
        _raise_if_in_the_way(error, patient=patient)
        logger.exception("a check failed", extra={"check": check.name, "after": run.after})
        _note(run, check, _failed(check.name, error), "")
        return Page(0, [], None)


def _look_closer(run: Reconciliation, check: Check, subject: str, *, patient: bool) -> bool:
    """Confirm, repair and note in one savepoint: what cannot be mended, or written down, must not
    hold up the rest.

    Returns whether it is known: found before with the same evidence, and acknowledged then.
    """
    try:
        with savepoint("check", complete=True):
            suspect = check.confirm(subject)
            if suspect is None:
                return False
            repair = "" if run.dry_run else check.repair(suspect)
            if transaction.get_rollback():
                return False  # nothing can be written any more, and savepoint() raises
            return _note_unless_known(run, check, suspect, repair)
    except Exception as error:
        _raise_if_in_the_way(error, patient=patient)
        logger.exception("a check failed", extra={"check": check.name, "subject": subject})
        return _note_unless_known(run, check, _failed(subject, error), "")


def _raise_if_in_the_way(error: Exception, *, patient: bool) -> None:
    if patient and getattr(error.__cause__, "sqlstate", "") in errors.LOCKED:
        raise _InTheWay from error


def _failed(subject: str, error: Exception) -> Suspect:
    """It can be written down, whatever the check made of it."""
    told = {"error": errors.text_of(error)[:1_000]}
    return Suspect("check_failed", errors.storable(subject)[:200], told)


def _note_unless_known(run: Reconciliation, check: Check, suspect: Suspect, repair: str) -> bool:
    """Write it down unless it is known and nothing was mended. Returns whether it is known."""
    if not repair and acts.is_known(check.name, suspect):
        return True
    _note(run, check, suspect, repair)
    return False


def _note(run: Reconciliation, check: Check, suspect: Suspect, repair: str) -> None:
    """Write it down; a row that moved on meanwhile may come along a second time."""
    finding = Finding(
        reconciliation=run,
        check_name=check.name,
        type=suspect.type,
        subject=suspect.subject,
        severity=suspect.severity,
        evidence=suspect.evidence,
        repair=repair or (NOT_TRIED if run.dry_run else NEEDS_A_PERSON),
        repaired=bool(repair),
    )
    Finding.objects.bulk_create([finding], ignore_conflicts=True)
    logger.warning(
        "finding",
        extra={"check": check.name, "type": suspect.type, "subject": suspect.subject},
    )


_INSERT = """
    INSERT INTO outbox_reconciliation (running, cause, dry_run, names, done, after, turn, checked,
        known)
    VALUES (true, %s, %s, %s, 0, '', 0, '{}', 0) ON CONFLICT (running) DO NOTHING RETURNING id
"""
_SESSION = """
    UPDATE outbox_reconciliation AS run
    SET session = activity.pid, session_since = activity.backend_start
    FROM pg_stat_activity AS activity
    WHERE run.id = %s AND activity.pid = pg_backend_pid()
"""
_CHAIN = """
    UPDATE outbox_reconciliation SET session = NULL, session_since = NULL WHERE id = %s
"""
