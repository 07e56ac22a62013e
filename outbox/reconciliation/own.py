"""The outbox's own checks."""

from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now

from outbox import dispatch, handlers, periodic
from outbox.models import Message
from outbox.reconciliation.checks import Check, Page, Suspect, paged, register

PAGE = 10_000
"""Rows per step: some 20 ms of reading."""

TOO_LONG = timedelta(minutes=10)
UNSEEN = timedelta(days=1)
NO_ID = "00000000-0000-0000-0000-000000000000"


def _sql(period: timedelta) -> str:
    return f"interval '{period.total_seconds():.0f} seconds'"


class DueTooLong(Check):
    """The relay rings every second: what has been due for minutes waits for a worker or a cure."""

    name = "outbox.due_too_long"

    def page(self, after: str) -> Page:
        return paged(_DUE, after, ["", "-infinity", NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        waiting = Message.objects.filter(state="pending", due_at__lt=Now() - TOO_LONG)
        message = waiting.among([UUID(subject)]).held().first()
        if message is None:
            return None
        evidence = {"handler": message.handler, "due_at": message.due_at.isoformat()}
        known = handlers.find(message.handler) is not None
        return Suspect("due_too_long" if known else "handler_unknown", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        handler = handlers.find(suspect.evidence["handler"])
        sent = handler is not None and dispatch.send(handler, [UUID(suspect.subject)])
        return "dispatched again" if sent else ""


class DeadUnseen(Check):
    """A dead letter asks for a person."""

    name = "outbox.dead_unseen"

    def page(self, after: str) -> Page:
        return paged(_DEAD, after, ["-infinity", NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        unseen = Message.objects.filter(state="dead", finished_at__lt=Now() - UNSEEN)
        message = unseen.among([UUID(subject)]).first()
        if message is None:
            return None
        evidence = {"handler": message.handler, "error": message.last_error[:300]}
        return Suspect("dead_unseen", subject, evidence, severity="warning")


class PeriodicRunMissed(Check):
    """A schedule that has run before, and whose present slot nobody has enqueued."""

    name = "outbox.periodic_run_missed"

    def page(self, after: str) -> Page:
        names = [schedule.handler for schedule in periodic.schedules()]
        return Page(len(names), names, None)

    def confirm(self, subject: str) -> Suspect | None:
        slot = periodic.missed(subject, TOO_LONG)
        return Suspect("periodic_run_missed", subject, {"slot": slot}) if slot else None

    def repair(self, suspect: Suspect) -> str:
        return "enqueued" if periodic.tick() else ""


# Along the index of what is due, handler by handler.
_DUE = f"""
    SELECT handler, due_at, id, CASE WHEN due_at < now() - {_sql(TOO_LONG)} THEN id END
    FROM outbox_message
    WHERE state = 'pending' AND (handler, due_at, id) > (%s, %s::timestamptz, %s::uuid)
    ORDER BY handler, due_at, id LIMIT %s
"""  # noqa: S608 - a constant of this module

_DEAD = f"""
    SELECT finished_at, id, CASE WHEN finished_at < now() - {_sql(UNSEEN)} THEN id END
    FROM outbox_message
    WHERE state = 'dead' AND finished_at IS NOT NULL
      AND (finished_at, id) > (%s::timestamptz, %s::uuid)
    ORDER BY finished_at, id LIMIT %s
"""  # noqa: S608

register(DueTooLong())
register(DeadUnseen())
register(PeriodicRunMissed())
