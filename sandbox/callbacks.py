"""Callbacks to send: noted in the transaction of the effect that they tell of."""

import sqlite3
from collections.abc import Sequence

from sandbox.misbehaviour import Faults

DUPLICATE_AFTER_SECONDS = 0.05
HELD_BACK_SECONDS = 1.0


def schedule(
    db: sqlite3.Connection,
    *,
    provider: str,
    url: str,
    bodies: Sequence[tuple[float, str]],
    faults: Faults,
) -> None:
    """Note callbacks as (due time, body), in the transaction of the effect that causes them.

    Reordered: the due times are swapped, and a single callback is held back. Duplicate: each goes
    out twice.
    """
    times = [at for at, _ in bodies]
    if "callback_reordered" in faults:
        times = times[::-1] if len(times) > 1 else [at + HELD_BACK_SECONDS for at in times]
    for at, (_, body) in zip(times, bodies, strict=True):
        for due_at in (at, at + DUPLICATE_AFTER_SECONDS)[: 1 + ("callback_duplicate" in faults)]:
            db.execute(
                "INSERT INTO callback (provider, url, body, due_at) VALUES (?, ?, ?, ?)",
                (provider, url, body, due_at),
            )
