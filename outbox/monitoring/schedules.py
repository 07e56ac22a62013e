"""The periodic runs: what is due next, and what became of the last."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox import periodic
from outbox.models import IdempotencyKey, Message


@dataclass(frozen=True, kw_only=True)
class Next:
    """A schedule, its next slot, and its latest run."""

    handler: str
    every: timedelta
    next: datetime
    last: Message | None  # None: never, or pruned


def upcoming() -> list[Next]:
    """Every schedule, the one that is due next first. Two queries, however many there are."""
    schedules, now = periodic.schedules(), periodic.database_time()
    keys = {periodic.key_of(one, one.slot(now)): one.handler for one in schedules}
    found = IdempotencyKey.objects.filter(key__in=keys).values_list("message_id", "key")
    named = {message_id: keys[key] for message_id, key in found}
    last = {named[message.pk]: message for message in Message.objects.filter(pk__in=named)}
    every = [
        Next(
            handler=one.handler,
            every=one.every,
            next=one.slot(now) + one.every,
            last=last.get(one.handler),
        )
        for one in schedules
    ]
    return sorted(every, key=lambda one: one.next)
