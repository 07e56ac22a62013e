"""What a claim and an enqueue cost while old rows are pruned in another process beside them."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from statistics import median
from typing import Any

import django

from benchmarks import growth
from benchmarks.drain import Track
from outbox import claims, handlers
from outbox.delivery import Delivery

OLD = timedelta(days=8)
"""Done rows are kept for seven."""


def measure(track: Track, rows: int) -> dict[str, Any]:
    """Milliseconds before and beside, as long as so many rows last the pruning."""
    track.ledger.reset({})
    growth.finish(track, rows, datetime.now(UTC) - OLD)
    track.ledger.settle()
    handler, here = handlers.get("work.deduct_batch"), Delivery.here()
    first = min(growth.make_due(handler.name, growth.DUE))
    acts: dict[str, Callable[[], Any]] = {
        "claim_500": lambda: claims.open_next(handler, here, None, first),
        "enqueue": growth.enqueue_one,
    }
    with get_context("spawn").Pool(1, initializer=django.setup) as pool:
        pool.apply(_prune, (1,))  # connected, and its plans made
        tries = iter(range(growth.TRIES))
        before = _figures(acts, lambda: next(tries, None) is not None)
        chain = pool.apply_async(_prune, (rows,))
        beside = _figures(acts, lambda: not chain.ready())
        pruned = chain.get()
    ratios = {name: round(beside[name] / before[name], 2) for name in before}
    return {"before": before, "beside": beside, "ratio": ratios, "rows": pruned}


def _figures(acts: dict[str, Callable[[], Any]], go_on: Callable[[], bool]) -> dict[str, float]:
    """The median and the longest of each, in turn as long as it goes on; once at least."""
    taken: defaultdict[str, list[float]] = defaultdict(list)
    while go_on() or not taken:
        for name, act in acts.items():
            taken[name].append(1000 * growth.once(act))
    return {
        f"{name}{suffix}_ms": round(of(tries), 3)
        for name, tries in taken.items()
        for suffix, of in (("", median), ("_longest", max))
    }


def _prune(most: int) -> int:
    """Batch after batch, as `outbox.prune` enqueues itself. Runs in a child."""
    from outbox import retention

    pruned = 0
    while pruned < most and (gone := retention.prune_batch()):
        pruned += gone
    return pruned
