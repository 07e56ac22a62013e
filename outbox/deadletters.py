"""What a person may do with a message: cancel it, run it again, give it up."""

from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from outbox import context, endings, groups
from outbox.errors import CancelsItself, NotInTransaction, NotRedrivable
from outbox.models import Event, IdempotencyKey, Message

State = Message.State


def cancel(message_id: UUID, *, reason: str, actor: str = "", goes_on: bool = True) -> bool:
    """End a message that still waits. Returns False where it is being run or has ended.

    Never waits for a run, so it may be called with business rows locked. The handler's
    `on_abandoned` runs in the caller's transaction; raises NotInTransaction outside one, and
    CancelsItself inside the message's own effect. A second call returns False.

    What `on_abandoned` leaves a deferred constraint to refuse, such as a foreign key, is told by
    the COMMIT of a caller that `goes_on`; else the message ends without it.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("cancel needs the transaction that records why it was cancelled.")
    if context.is_running(message_id):
        raise CancelsItself(f"Message {message_id} is what is being run: return, or raise Fatal.")
    message = Message.objects.waiting().among([message_id]).held().first()
    if message is None:
        return False
    endings.end(message, State.CANCELLED, reason, actor=actor, goes_on=goes_on)
    return True


def discard(message_id: UUID, *, reason: str, actor: str, goes_on: bool = True) -> bool:
    """Give a dead message up, with the reason; its group goes on. False where it is not dead.

    What `on_abandoned` leaves a deferred constraint to refuse is as in `cancel`.
    """
    with transaction.atomic():
        message = _held_in_state(message_id, [State.DEAD])
        if message is None:
            return False
        endings.end(message, State.DISCARDED, reason, actor=actor, goes_on=goes_on)
    return True


def redrive(message_id: UUID, *, actor: str, reason: str = "") -> Message:
    """Let an ended message run again, under the same id and key, with its counters at zero.

    It runs without company, and without an expiry: a person has decided. A dead one keeps its
    place in its group; one that was passed over gets a new number. Raises NotRedrivable where it
    is waiting already, is done, or where its key stands for a successor by now.
    """
    with transaction.atomic():
        message = _held_in_state(message_id, [*_REDRIVABLE])
        if message is None:
            raise NotRedrivable(_why_not(message_id))
        _check_key(message)
        was_dead = message.state == State.DEAD
        message.state = State.PENDING
        if message.group and not was_dead:
            message.group_seq, message.state = groups.join(message.group)
        _restart(message)
        Event.objects.create(message=message, kind=Event.Kind.REDRIVEN, actor=actor, error=reason)
    return message  # the relay rings for it


_REDRIVABLE = (State.DEAD, State.EXPIRED, State.CANCELLED, State.DISCARDED)


def _held_in_state(message_id: UUID, states: list[str]) -> Message | None:
    return Message.objects.filter(id=message_id, state__in=states).held().first()


def _restart(message: Message) -> None:
    Message.objects.filter(id=message.id).update(
        state=message.state,
        group_seq=message.group_seq,
        due_at=Now(),
        expires_at=None,
        finished_at=None,
        attempts=0,
        crashes=0,
        alone=True,
    )


def _check_key(message: Message) -> None:
    """The key is held until the commit: nobody can enqueue a successor in between."""
    if message.key is None:
        return
    known = IdempotencyKey.objects.select_for_update().filter(key=message.key).first()
    if known is not None and known.message_id != message.id:
        raise NotRedrivable(
            f"The key {message.key!r} stands for message {known.message_id} by now: "
            "running this one too would do the same thing twice."
        )


def _why_not(message_id: UUID) -> str:
    state = Message.objects.filter(id=message_id).values_list("state", flat=True).first()
    if state is None:
        return f"There is no message {message_id}; it may have been pruned."
    if state == State.DONE:
        return f"Message {message_id} is done. Its effect has happened; it is not run twice."
    if state in Message.WAITING:
        return f"Message {message_id} is waiting already ({state})."
    return f"Message {message_id} is held by somebody else at this moment; try again."
