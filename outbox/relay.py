"""The relay: at least every second it looks what is due that no dispatch stands for.

This one loop recovers everything: a commit whose dispatch was lost, an emptied broker, a killed
worker, a retry, a time that has come. It runs no effect: it counts the crashes that it finds,
buries what has crashed too often, lets a group's next message move up where that was lost, and
rings for the rest.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from django.db import connection, transaction

from outbox import dispatch, groups, handlers, runs
from outbox.cooldown import Cooldown
from outbox.monitoring.models import Pause
from outbox.position import Position

logger = logging.getLogger("outbox.relay")

GRACE = timedelta(milliseconds=250)
"""What has been due for less is left to its own dispatch, which is on its way."""

MOST_COUNTED = 10_000
"""Rows that are counted per handler: more makes no difference to what is sent."""

MOST_DISPATCHES = 8
"""Dispatches per handler and round: enough to wake every worker, too few for a storm."""

SILENCE = 1.0, 4.0
"""Seconds between two rings for the same earliest message, from the third on, and at most."""

LOCK = 0x0B0C_0001
"""The advisory lock that lets one relay at a time ring: a courtesy to the broker, no more."""

PATIENCE = timedelta(seconds=10)
"""A relay that is frozen while it has the lock loses it after this."""


@dataclass
class Round:
    """What one round of the relay found and did."""

    crashed: int = 0
    promoted: int = 0
    dispatched: int = 0
    skipped: bool = False


class Rings:
    """What a relay has rung for, so that it rings ever more rarely where nobody comes.

    What no worker receives piles up in the broker, and whoever comes back works through all of it
    before anything new. So as long as a handler's earliest due message stays the same, each
    silence is twice as long as the one before.
    """

    def __init__(self) -> None:
        self._rung: dict[str, tuple[Position, Cooldown]] = {}

    def are_worth_it(self, name: str, earliest: Position) -> bool:
        """Whether something has moved since the last ring, or it is long enough ago."""
        last, silence = self._rung.get(name, (None, None))
        return silence is None or last != earliest or not silence.is_on()

    def note(self, name: str, earliest: Position) -> None:
        """They went out."""
        last, silence = self._rung.get(name, (None, None))
        if silence is None or last != earliest:
            self._rung[name] = earliest, Cooldown(*SILENCE)
        else:
            silence.failed()

    def forget(self) -> None:
        """Something else has changed: ring for all that is due."""
        self._rung.clear()


def run_once(rings: Rings | None = None) -> Round:
    """One round: crashes, lost promotions, due messages. Safe at any time, beside any other.

    `rings` is what earlier rounds of this process have rung for; without, nothing was.
    """
    rings = rings or Rings()
    found = Round(crashed=runs.collect_crashed())
    found.promoted = sum(groups.promote(name) for name in groups.stalled())
    if found.crashed or found.promoted:
        rings.forget()
    with transaction.atomic(durable=True):
        if not _only_relay():
            found.skipped = True
            return found
        paused = set(Pause.objects.values_list("target", flat=True))
        for name, due, earliest in _due_per_handler():
            if rings.are_worth_it(name, earliest) and (sent := _ring(name, due, earliest, paused)):
                rings.note(name, earliest)
                found.dispatched += sent
    if found.crashed or found.promoted or found.dispatched:
        logger.info("relay round", extra=vars(found))
    return found


def _only_relay() -> bool:
    milliseconds = str(int(PATIENCE.total_seconds() * 1000))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s),"
            " set_config('idle_in_transaction_session_timeout', %s, true)",
            [LOCK, milliseconds],
        )
        return bool(cursor.fetchone()[0])


def _ring(name: str, due: int, earliest: Position, paused: set[str]) -> int:
    handler = handlers.find(name)
    if handler is None:
        logger.error("messages are due that no handler knows", extra={"handler": name, "due": due})
        return 0
    if not paused.isdisjoint(handler.targets):
        return 0
    # A dispatch may carry many messages of an ordinary handler, or be held up by a slow first one.
    wanted = ceil(due / (handler.batch_size or 1))
    sent = 0
    while sent < min(wanted, MOST_DISPATCHES) and dispatch.send(handler, begin=earliest):
        sent += 1
    return sent


def _due_per_handler() -> list[tuple[str, int, Position]]:
    """How many are due and the earliest of them, by the names found in the table, so that none is
    overlooked. Nothing is locked, and it looks from the beginning: a commit may have come late.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"grace": GRACE.total_seconds(), "most": MOST_COUNTED})
        return [(name, due, Position(*earliest)) for name, due, *earliest in cursor.fetchall()]


# Hops from name to name along the index of due messages (a "loose index scan"), then counts each
# name's due rows up to the limit.
_DUE = """
    WITH RECURSIVE names AS (
        (SELECT handler FROM outbox_message WHERE state = 'pending' ORDER BY handler LIMIT 1)
        UNION ALL
        SELECT (SELECT handler FROM outbox_message
                WHERE state = 'pending' AND handler > names.handler ORDER BY handler LIMIT 1)
        FROM names WHERE names.handler IS NOT NULL
    )
    SELECT names.handler, due.count, due.at, due.ids[1] FROM names CROSS JOIN LATERAL (
        SELECT count(*), min(due_at) AS at, array_agg(id ORDER BY due_at, id) AS ids FROM (
            SELECT due_at, id FROM outbox_message
            WHERE state = 'pending' AND handler = names.handler
              AND due_at <= clock_timestamp() - make_interval(secs => %(grace)s)
            ORDER BY due_at, id LIMIT %(most)s
        ) AS counted
    ) AS due
    WHERE names.handler IS NOT NULL AND due.count > 0
"""
