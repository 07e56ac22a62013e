"""After the last fault: wait until everything has ended, and see how long anything was due."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chaos.checkers.waiting import OLDEST_DUE
from chaos.observer import Observer

LONGEST_DUE = 30.0
"""Seconds: once the faults have stopped, no message may be due for longer."""

PATIENCE = 300.0  # seconds for providers' retries and unknown outcomes to be settled


@dataclass(frozen=True)
class Settled:
    """How it ended."""

    seconds: float
    longest_due: float  # seconds that a message was due, counted from the end of the faults
    open: dict[str, int]  # what had not ended by then, by kind


def settle(
    observer: Observer, faults_over: float, longest: float, say: Callable[[str], None]
) -> Settled:
    """Wait until nothing is open, for PATIENCE seconds at most; `longest` was seen so far."""
    start = time.monotonic()
    while True:
        longest = max(longest, observer.insist(OLDEST_DUE, [faults_over])[0][0])
        still = {kind: count for kind, count in observer.insist(_OPEN) if count}
        seconds = time.monotonic() - start
        if not still or seconds > PATIENCE:
            return Settled(seconds, longest, still)
        say("waiting for " + ", ".join(f"{count} {kind}" for kind, count in still.items()))
        time.sleep(0.5)


_OPEN = """
    SELECT 'due messages', count(*) FROM outbox_message
    WHERE state = 'pending' AND due_at <= clock_timestamp()
    UNION ALL SELECT 'bare effects', count(*) FROM outbox_message
    WHERE state = 'pending' AND handler IN ('chaos.bare', 'chaos.bulk')
    UNION ALL SELECT 'reductions', count(*) FROM pricing_pricereduction WHERE status = 'scheduled'
    UNION ALL SELECT 'campaigns', count(*) FROM credits_campaign
    WHERE status IN ('running', 'paused')
    UNION ALL SELECT 'texts', count(*) FROM credits_textmessage
    WHERE state IN ('queued', 'sending', 'unknown')
    UNION ALL SELECT 'orders', count(*) FROM orders_order WHERE status IN ('placed', 'cancelling')
    UNION ALL SELECT 'receipts', count(*) FROM orders_sagarun
    WHERE saga = 'receipt' AND state IN ('running', 'compensating')
"""
