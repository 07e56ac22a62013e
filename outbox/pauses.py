"""Pause and resume: a queue or a handler, by a row that every claim looks for.

No message is marked, so a million of them are paused and resumed by one statement. What is being
run ends; what is due waits, expires as it would have, and keeps its order.
"""

from django.db import connection, transaction

from outbox import dispatch, handlers
from outbox.desk.models import DeskAct
from outbox.handlers import Handler
from outbox.monitoring.models import Pause


def pause(target: str, *, actor: str, reason: str = "") -> bool:
    """Let nothing of "queue:NAME" or "handler:NAME" be claimed. False where it is paused already.

    Raises ValueError for a target that no handler of this release is or uses.
    """
    if not _handlers_of(target):
        raise ValueError(f"There is no {target.replace(':', ' ')}.")
    with transaction.atomic():
        _, created = Pause.objects.get_or_create(
            target=target, defaults={"actor": actor, "reason": reason}
        )
        if created:
            _note(DeskAct.Kind.PAUSE, target, actor, reason)
    return created


def resume(target: str, *, actor: str, reason: str = "") -> bool:
    """Let it be claimed again, and ring for it. False where it is not paused."""
    with transaction.atomic():
        deleted, _ = Pause.objects.filter(target=target).delete()
        if deleted:
            _note(DeskAct.Kind.RESUME, target, actor, reason)
            transaction.on_commit(lambda: _ring(target), robust=True)
    return bool(deleted)


def paused() -> dict[str, Pause]:
    """All pauses, by target."""
    return {pause.target: pause for pause in Pause.objects.order_by("target")}


def _ring(target: str) -> None:
    """The relay would ring within a second; this is sooner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT target FROM outbox_pause")
        still = {row[0] for row in cursor.fetchall()}
    for handler in _handlers_of(target):
        if not still.intersection(handler.targets):
            dispatch.send(handler)


def _handlers_of(target: str) -> list[Handler]:
    return [found for found in map(handlers.get, handlers.names()) if target in found.targets]


def _note(kind: str, target: str, actor: str, reason: str) -> None:
    DeskAct.objects.create(
        kind=kind, actor=actor, reason=reason, selection={"target": target}, done=1, refused=0
    )
