"""Ordered groups: one message at a time, in the order of their commits.

Only a group's head is `pending`; its successors are `parked`, outside the index that claims use
(100,000 rows behind a blocked head would otherwise cost every claim a scan). A head that waits,
runs or is dead blocks the group, visibly; one that ended otherwise makes room.
"""

from django.db import connection, transaction

from outbox import dispatch, handlers, hooks
from outbox.models import Group, Message


def join(name: str) -> tuple[int, str]:
    """The next number of the group, and the state for the message that gets it.

    Holds the group's row until the transaction ends: numbers follow commits. Take it after the
    business locks, and several groups in the order of their names.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outbox_group AS known (name, last_seq) VALUES (%s, 1)
            ON CONFLICT (name) DO UPDATE SET last_seq = known.last_seq + 1
            RETURNING last_seq
            """,
            [name],
        )
        seq = cursor.fetchone()[0]
    blocked = Message.objects.filter(group=name, state__in=["pending", "parked", "dead"]).exists()
    return seq, Message.State.PARKED if blocked else Message.State.PENDING


def promote_after_commit(message: Message) -> None:
    """Once this transaction has ended the message, let its successor move up."""
    if name := message.group:
        hooks.of_this_commit(connection, _Promotions).groups.append(name)


class _Promotions(hooks.Hook):
    """The groups whose heads one transaction has ended."""

    def __init__(self) -> None:
        self.groups: list[str] = []

    def __call__(self) -> None:
        for name in self.groups:
            promote(name)


def promote(name: str) -> bool:
    """Make the first parked message pending, unless the group is blocked. Returns whether it did.

    A short transaction of its own after the head's commit; where it is lost, the relay repeats it.
    Calling it at any time, any number of times, is safe.
    """
    with transaction.atomic():
        # Whoever enqueues into the group holds this row: either its message is visible below, or
        # it will find that nothing blocks it.
        Group.objects.select_for_update().get(name=name)
        waiting = Message.objects.filter(group=name, state__in=["pending", "parked", "dead"])
        head = waiting.order_by("group_seq").first()
        if head is None or head.state != Message.State.PARKED:
            return False
        Message.objects.filter(id=head.id).update(state=Message.State.PENDING)
        if handler := handlers.find(head.handler):
            # Never behind one in the air, which may look only for what is younger than this.
            transaction.on_commit(lambda: dispatch.send(handler, [head.id]), robust=True)
    return True


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
