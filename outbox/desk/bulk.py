"""Acts on all that a search finds: redrive, cancel, discard. Bounded, tried first, written down."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from outbox import deadletters, handlers
from outbox.desk.acts import PER_SECOND, Report
from outbox.desk.models import DeskAct
from outbox.errors import NotRedrivable
from outbox.models import Message
from outbox.monitoring import search
from outbox.monitoring.search import Query

MOST = 1_000
"""Messages of one act: some seconds of work. What is left is found by the same search again."""

Act = Callable[[UUID, int], None]


def act(
    kind: str, ids: list[UUID], *, asked: dict[str, object], actor: str, reason: str, dry_run: bool
) -> Report:
    """Redrive, cancel or discard these messages, each in a transaction of its own.

    With `dry_run` each is done and undone, so that the report says what would happen. `asked` is
    how they were chosen, for the audit log. Raises ValueError for another kind, and where a discard
    has no reason. A second call finds them acted upon, and refuses each.
    """
    if kind == DeskAct.Kind.DISCARD and not reason.strip():
        raise ValueError("Discarding needs a reason: the next person will ask for it.")
    run = _acts(actor, reason).get(kind)
    if run is None:
        raise ValueError("Choose what to do: redrive, cancel or discard.")
    report = _each(ids[:MOST], run, dry_run=dry_run)
    if not dry_run:
        DeskAct.objects.create(
            kind=kind,
            actor=actor,
            reason=reason,
            selection=asked,
            done=len(report.done),
            refused=len(report.refused),
        )
    return report


def matching(query: Query) -> list[UUID]:
    """The ids of what a search finds, at most MOST."""
    return search.matching(query, most=MOST)


def _acts(actor: str, reason: str) -> dict[str, Act]:
    def redrive(message_id: UUID, place: int) -> None:
        message = deadletters.redrive(message_id, actor=actor, reason=reason)
        if handlers.find(message.handler) is None:
            raise NotRedrivable(f"No handler is named {message.handler!r} in this release.")
        if place:  # not all at once upon whatever has just recovered
            delay = timedelta(seconds=place / PER_SECOND)
            Message.objects.filter(id=message_id).update(due_at=Now() + delay)

    def cancel(message_id: UUID, _: int) -> None:
        said = reason or f"cancelled by {actor}"
        if not deadletters.cancel(message_id, reason=said, actor=actor, goes_on=False):
            raise NotRedrivable("It is being run at this moment, or does not wait any more.")

    def discard(message_id: UUID, _: int) -> None:
        if not deadletters.discard(message_id, reason=reason, actor=actor, goes_on=False):
            raise NotRedrivable("It is not dead, or somebody else holds it.")

    return {"redrive": redrive, "cancel": cancel, "discard": discard}


def _each(ids: list[UUID], run: Act, *, dry_run: bool) -> Report:
    report = Report()
    for message_id in ids:
        try:
            with transaction.atomic():
                run(message_id, len(report.done))
                transaction.set_rollback(dry_run)
        except NotRedrivable as refusal:
            report.refused[message_id] = str(refusal)
        else:
            report.done.append(message_id)
    return report
