"""The outbox's own checks."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from outbox import dispatch, handlers, keys, periodic
from outbox.models import IdempotencyKey, Message
from outbox.monitoring.models import Pause
from outbox.reconciliation.checks import Check, Page, Suspect, paged, register
from outbox.reconciliation.selectors import found_before
from outbox.relay import MOST_DISPATCHES

PAGE = 10_000
"""Rows per step: some 20 ms of reading."""

TOO_LONG = timedelta(minutes=10)
SETTLED = timedelta(minutes=1)
"""While a new release comes up, its messages may be seen by a process of the old one."""

AT_ONCE = 1_000
"""Parked messages that are loaded, with their args, to be moved behind a renamed one."""

MOST_BEHIND = 10_000
"""Of them, as many as a step moves: keyed ones take some seconds, and its deadline is a minute."""

UNSEEN = timedelta(days=1)
NO_ID = "00000000-0000-0000-0000-000000000000"


def _sql(period: timedelta) -> str:
    return f"interval '{period.total_seconds():.0f} seconds'"


class DueTooLong(Check):
    """The relay rings every second: what has been due for minutes waits for a worker or a cure."""

    name = "outbox.due_too_long"

    def __init__(self) -> None:
        self._rung: Counter[str] = Counter()

    def page(self, after: str) -> Page:
        self._rung.clear()  # a step begins
        return paged(_DUE, after, ["", "-infinity", NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        waiting = Message.objects.filter(state="pending", due_at__lt=Now() - TOO_LONG)
        with transaction.atomic():
            message = waiting.among([UUID(subject)]).held().first()
            # Given back at once: thousands of them, held until the end of this step, would be
            # passed by by every worker. Whoever takes it now is who should.
            transaction.set_rollback(True)
        if message is None:
            return None
        handler = handlers.find(message.handler)
        if handler is None or Pause.objects.filter(target__in=handler.targets).exists():
            return None  # the next check's affair; or a person wants it to wait
        evidence = {"handler": message.handler, "due_at": message.due_at.isoformat()}
        return Suspect("due_too_long", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        """Each of a few dispatches takes along whatever is due: one for each would be a storm.

        What a run has rung for as long ago, and is due since the same moment, no dispatch mends.
        """
        handler = handlers.get(suspect.evidence["handler"])
        if self._rung[handler.name] < MOST_DISPATCHES:
            if not dispatch.send(handler, [UUID(suspect.subject)]):
                return ""
            self._rung[handler.name] += 1
        return "" if found_before(self.name, suspect, ago=TOO_LONG) else "dispatched again"


class HandlerUnknown(Check):
    """What waits under a name that no handler has; one that was renamed says what it was before."""

    name = "outbox.handler_unknown"

    def __init__(self) -> None:
        self._moved_behind = 0

    def page(self, after: str) -> Page:
        self._moved_behind = 0  # a step begins
        names = _names_that_wait()
        unknown = [name for name in names if handlers.find(name) is None]
        if not unknown:
            return Page(len(names), [], None)
        return paged(_UNKNOWN, after, ["", "-infinity", NO_ID], PAGE, unknown)

    def confirm(self, subject: str) -> Suspect | None:
        old = Q(due_at__lt=Now() - SETTLED) | Q(created_at__lt=Now() - SETTLED)
        waiting = Message.objects.filter(old, state="pending")
        message = waiting.among([UUID(subject)]).held().first()
        if message is None or handlers.find(message.handler) is not None:
            return None
        evidence = {"handler": message.handler}
        successor = handlers.successor(message.handler)
        if successor is None:
            return Suspect("handler_unknown", subject, evidence)
        return Suspect("handler_renamed", subject, evidence | {"renamed_to": successor.name})

    def repair(self, suspect: Suspect) -> str:
        if "renamed_to" not in suspect.evidence:
            return ""
        old, new = suspect.evidence["handler"], handlers.get(suspect.evidence["renamed_to"])
        message = Message.objects.get(id=UUID(suspect.subject))
        _rename([message], old, new.name)
        if message.group:
            self._move_behind(message.group, old, new.name)
        dispatch.after_commit(connection, new, [message.id])
        return f"moved to {new.name}"

    def _move_behind(self, group: str, old: str, new: str) -> None:
        """Else each would wait for the next night, once it is the head; what is left does."""
        parked = Message.objects.filter(group=group, handler=old, state="parked")
        while self._moved_behind < MOST_BEHIND:
            messages = list(parked.held().order_by("group_seq")[:AT_ONCE])
            if not messages:
                return
            _rename(messages, old, new)
            self._moved_behind += len(messages)


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
        periodic.enqueue_present_slot(suspect.subject)  # where a beat is faster, its slot is ours
        return "" if periodic.missed(suspect.subject, TOO_LONG) else "enqueued"


def _rename(messages: list[Message], old: str, new: str) -> None:
    ids = [message.id for message in messages]
    Message.objects.filter(handler=old).among(ids).update(handler=new)
    for message in messages:
        if message.key is not None:
            # A later request under the same key names the new handler, and must not conflict.
            known = IdempotencyKey.objects.filter(key=message.key, message_id=message.id)
            known.filter(args_hash=keys.hash_of(old, message.args)).update(
                args_hash=keys.hash_of(new, message.args)
            )


def _names_that_wait() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
        return [name for (name,) in cursor.fetchall()]


# Along the index of what is due, handler by handler.
_DUE = f"""
    SELECT handler, due_at, id, CASE WHEN due_at < now() - {_sql(TOO_LONG)} THEN id END
    FROM outbox_message
    WHERE state = 'pending' AND (handler, due_at, id) > (%s, %s::timestamptz, %s::uuid)
    ORDER BY handler, due_at, id LIMIT %s
"""  # noqa: S608 - a constant of this module

# From name to name along the same index (a "loose index scan").
_NAMES = """
    WITH RECURSIVE names AS (
        (SELECT handler FROM outbox_message WHERE state = 'pending' ORDER BY handler LIMIT 1)
        UNION ALL
        SELECT (SELECT handler FROM outbox_message
                WHERE state = 'pending' AND handler > names.handler ORDER BY handler LIMIT 1)
        FROM names WHERE names.handler IS NOT NULL
    )
    SELECT handler FROM names WHERE handler IS NOT NULL
"""

_UNKNOWN = """
    SELECT handler, due_at, id, id FROM outbox_message
    WHERE state = 'pending' AND handler = ANY(%s)
      AND (handler, due_at, id) > (%s, %s::timestamptz, %s::uuid)
    ORDER BY handler, due_at, id LIMIT %s
"""

_DEAD = f"""
    SELECT finished_at, id, CASE WHEN finished_at < now() - {_sql(UNSEEN)} THEN id END
    FROM outbox_message
    WHERE state = 'dead' AND finished_at IS NOT NULL
      AND (finished_at, id) > (%s::timestamptz, %s::uuid)
    ORDER BY finished_at, id LIMIT %s
"""  # noqa: S608

register(DueTooLong())
register(HandlerUnknown())
register(DeadUnseen())
register(PeriodicRunMissed())
