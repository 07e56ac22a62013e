"""What a person does with dead letters: run them again, or give them up. Row by row, each reported.

A redriven message keeps its id and its key. Many at once do not fall upon whatever has just
recovered: each becomes due a little later than the one before.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from outbox import deadletters, handlers
from outbox.desk.groups import Selection, dead
from outbox.desk.models import DeskAct
from outbox.errors import NotRedrivable
from outbox.models import Message

PER_SECOND = 20
"""Redriven messages that become due in one second, unless said otherwise."""


@dataclass
class Report:
    """What an act did, or would do: the messages, and for each that was refused the reason."""

    done: list[UUID] = field(default_factory=list)
    refused: dict[UUID, str] = field(default_factory=dict)


def redrive(
    selection: Selection,
    *,
    actor: str,
    reason: str = "",
    per_second: float = PER_SECOND,
    dry_run: bool = False,
) -> Report:
    """Let the dead letters of a selection run again. With `dry_run`, only say what would happen.

    Each is a transaction of its own, so that one whose key has a successor stops no other. A second
    call finds them waiting, and does nothing. Raises ValueError unless `per_second` is above zero.
    """
    if per_second <= 0:
        raise ValueError("per_second is above zero.")

    def run_again(message_id: UUID, place: int) -> None:
        message = deadletters.redrive(message_id, actor=actor, reason=reason)
        if handlers.find(message.handler) is None:
            raise NotRedrivable(f"No handler is named {message.handler!r} in this release.")
        if place:
            delay = timedelta(seconds=place / per_second)
            Message.objects.filter(id=message_id).update(due_at=Now() + delay)

    report = _each(selection, run_again, dry_run=dry_run)
    if not dry_run:
        _note(DeskAct.Kind.REDRIVE, selection, report, actor, reason)
    return report


def discard(selection: Selection, *, actor: str, reason: str, dry_run: bool = False) -> Report:
    """Give the dead letters of a selection up. Raises ValueError without a reason.

    A second call finds none. A discarded message can still be redriven by its id.
    """
    if not reason.strip():
        raise ValueError("Discarding needs a reason: the next person will ask for it.")

    def give_up(message_id: UUID, _: int) -> None:
        if not deadletters.discard(message_id, reason=reason, actor=actor, goes_on=False):
            raise NotRedrivable("It is not dead any more, or somebody else holds it.")

    report = _each(selection, give_up, dry_run=dry_run)
    if not dry_run:
        _note(DeskAct.Kind.DISCARD, selection, report, actor, reason)
    return report


def _each(selection: Selection, act: Callable[[UUID, int], None], *, dry_run: bool) -> Report:
    """Act on each message in a transaction of its own; a dry run is the same, and undone."""
    report = Report()
    for message_id in list(dead(selection).values_list("id", flat=True)):
        try:
            with transaction.atomic():
                act(message_id, len(report.done))
                transaction.set_rollback(dry_run)
        except NotRedrivable as refusal:
            report.refused[message_id] = str(refusal)
        else:
            report.done.append(message_id)
    named = set(selection.ids) - set(report.done) - set(report.refused)
    report.refused |= dict.fromkeys(named, "It is not dead.")
    return report


def _note(kind: str, selection: Selection, report: Report, actor: str, reason: str) -> None:
    DeskAct.objects.create(
        kind=kind,
        actor=actor,
        reason=reason,
        selection=selection.as_json(),
        done=len(report.done),
        refused=len(report.refused),
    )
