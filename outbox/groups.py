"""Ordered groups: one message at a time, in the order of their commits.

Only a group's head is `pending`; its successors are `parked`, outside the index that claims use
(100,000 rows behind a blocked head would otherwise cost every claim a scan). A head that waits,
runs or is dead blocks the group, visibly; one that ended otherwise makes room.
"""

import time

from django.db import OperationalError, connection, transaction

from outbox import dispatch, handlers, hooks
from outbox.models import Group, Message

PATIENCE = 0.2
"""Seconds that all promotions of one commit may wait for whoever enqueues. The relay repeats them
within a second; meanwhile nobody holds the run record that was committed with them."""

LOCK_NOT_AVAILABLE = "55P03"  # SQLSTATE


def join(name: str) -> tuple[int, str]:
    """The next number of the group, and the state for the message that gets it.

    Holds the group's row until the transaction ends: numbers follow commits. Take it after the
    business locks, and several groups in the order of their names.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outbox_group AS known (name, last_seq) VALUES (%s, 1)
            ON CONFLICT (name) DO UPDATE SET last_seq = known.last_seq + 1
            RETURNING last_seq
            """,
            [name],
        )
        seq = cursor.fetchone()[0]
    messages = Message.objects.using(connection.alias)  # here, not on a router's replica
    blocked = messages.filter(group=name, state__in=["pending", "parked", "dead"]).exists()
    return seq, Message.State.PARKED if blocked else Message.State.PENDING


def promote_after_commit(message: Message) -> None:
    """Once this transaction has ended the message, let its successor move up."""
    if name := message.group:
        hooks.of_this_commit(connection, _Promotions).groups.append(name)


class _Promotions(hooks.Hook):
    """The groups whose heads one transaction has ended."""

    def __init__(self) -> None:
        self.groups: list[str] = []

    @property
    def steps(self) -> int:
        return len(self.groups)

    def __call__(self) -> None:
        until = time.monotonic() + PATIENCE
        for name in self.groups:
            promote(name, patience=until - time.monotonic())


def promote(name: str, *, patience: float = 0) -> bool:
    """Make the first parked message pending, unless the group is blocked. Returns whether it did.

    A short transaction of its own after the head's commit; where it is lost, the relay repeats it.
    Calling it at any time, any number of times, is safe. It gives up after `patience` seconds, or
    at once, while a transaction that enqueues into the group is open.
    """
    with transaction.atomic():
        # Whoever enqueues into the group holds its row: either its message is visible below, or
        # it will find that nothing blocks it.
        if not _hold(name, patience):
            return False
        messages = Message.objects.using(connection.alias)  # as above
        waiting = messages.filter(group=name, state__in=["pending", "parked", "dead"])
        head = waiting.order_by("group_seq").first()
        if head is None or head.state != Message.State.PARKED:
            return False
        # Not waited for: who cancels it may be about to enqueue into the group, whose row is ours.
        held = Message.objects.filter(state=Message.State.PARKED).among([head.id]).held()
        if not Message.objects.filter(id__in=held.values("id")).update(state="pending"):
            return False
        if handler := handlers.find(head.handler):
            # Never behind one in the air, which may look only for what is younger than this.
            transaction.on_commit(lambda: dispatch.send(handler, [head.id]), robust=True)
    return True


def _hold(name: str, patience: float) -> bool:
    """Take the group's row until the transaction ends. False where somebody else keeps it."""
    found = Group.objects.filter(name=name)
    if found.select_for_update(skip_locked=True).exists():
        return True
    milliseconds = int(patience * 1000)
    if milliseconds <= 0:
        return False
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(milliseconds)])
            return found.select_for_update().exists()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
            raise
        return False


def stalled() -> list[str]:
    """Groups whose first waiting message is parked: a promotion was lost. For the relay."""
    with connection.cursor() as cursor:
        cursor.execute(_STALLED)
        return [name for (name,) in cursor.fetchall()]


# The first waiting message of each group, hopping from group to group along the partial index
# (a "loose index scan", see the PostgreSQL wiki), so that long groups cost no more than short ones.
_STALLED = """
    WITH RECURSIVE head AS (
        (SELECT "group", state FROM outbox_message
         WHERE "group" IS NOT NULL AND state IN ('pending', 'parked', 'dead')
         ORDER BY "group", group_seq LIMIT 1)
        UNION ALL
        SELECT next."group", next.state FROM head CROSS JOIN LATERAL (
            SELECT "group", state FROM outbox_message
            WHERE "group" > head."group" AND "group" IS NOT NULL
              AND state IN ('pending', 'parked', 'dead')
            ORDER BY "group", group_seq LIMIT 1
        ) AS next
    )
    SELECT "group" FROM head WHERE state = 'parked'
"""
