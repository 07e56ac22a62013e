"""Periodic runs, once per slot however many beats tick: the slot is an idempotency key."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from outbox.enqueueing import enqueue
from outbox.keys import for_period
from outbox.models import IdempotencyKey

logger = logging.getLogger("outbox.periodic")

REMEMBERED = timedelta(days=30)
"""How long a slot's key is kept after the slot: far longer than any beat lags behind."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A handler without arguments that is due once in every slot of length `every`.

    Slots start at `offset` after midnight UTC, on multiples of `every`.
    """

    handler: str
    every: timedelta
    offset: timedelta = timedelta(0)

    def slot(self, moment: datetime) -> datetime:
        """The start of the slot that `moment` lies in."""
        epoch = datetime(2000, 1, 1, tzinfo=UTC) + self.offset
        return epoch + (moment - epoch) // self.every * self.every


_schedules: dict[str, Schedule] = {}


def register(*, handler: str, every: timedelta, offset: timedelta = timedelta(0)) -> None:
    """Run `handler` once per slot. A second call for the same handler replaces its schedule.

    Raises ValueError unless `every` is above zero.
    """
    if every <= timedelta(0):
        raise ValueError(f"{handler} is due every {every}: a slot needs a length above zero.")
    _schedules[handler] = Schedule(handler=handler, every=every, offset=offset)


def schedules() -> list[Schedule]:
    """All that is registered, by handler."""
    return [_schedules[name] for name in sorted(_schedules)]


def tick() -> int:
    """Enqueue the current slot of each schedule, unless that was done. Returns how many were new.

    Beat calls it every minute; two beats, or one that ticks twice, change nothing. After a
    standstill the latest missed slot is caught up, once. A schedule that cannot be enqueued, such
    as one of a handler that nobody declared, is logged each time, and the others go on.
    """
    return sum(_enqueue_slot(schedule) for schedule in schedules())


def enqueue_present_slot(handler: str) -> bool:
    """As `tick`, for this handler's schedule alone. Returns whether it was new."""
    return _enqueue_slot(_schedules[handler])


def _enqueue_slot(schedule: Schedule) -> bool:
    """Whether the present slot is new. Never raises."""
    try:
        with transaction.atomic():
            key = key_of(schedule, schedule.slot(database_time()))
            unique = for_period(schedule.every + REMEMBERED)
            return enqueue(schedule.handler, args={}, key=key, unique=unique).created
    except Exception:
        logger.exception("a schedule was not enqueued", extra={"handler": schedule.handler})
        return False


def missed(handler: str, patience: timedelta) -> str | None:
    """The key of the handler's present slot, if it began `patience` ago and nobody enqueued it.

    None too where no earlier slot ever ran: a schedule that is new has missed nothing.
    """
    schedule, now = _schedules[handler], database_time()
    slot = schedule.slot(now)
    known = IdempotencyKey.objects.filter(key__startswith=f"periodic:{handler}:")
    if now - slot < patience or not known.exists():
        return None
    key = key_of(schedule, slot)
    return None if known.filter(key=key).exists() else key


def key_of(schedule: Schedule, slot: datetime) -> str:
    """The idempotency key of a schedule's slot."""
    return f"periodic:{schedule.handler}:{slot:%Y-%m-%dT%H:%M:%SZ}"


def database_time() -> datetime:
    """Now, by the database's clock, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
    return moment
