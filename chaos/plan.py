"""Which faults, in which order: drawn from the seed before anything starts."""

import random
from collections.abc import Iterator, Sequence

PAIRS = 0.25  # share of the injections that are two faults at once


def draw(kinds: Sequence[str], *, faults: int, seed: int) -> list[tuple[str, ...]]:
    """So many faults, singly and in pairs. The same seed and kinds give the same plan.

    Kinds are dealt round after round, each round shuffled, so that each comes as often as any
    other and few faults cover many kinds.
    """
    dice = random.Random(f"{seed}:plan")  # noqa: S311 - reproducible, not secret
    deal = _deal(kinds, dice)
    plan: list[tuple[str, ...]] = []
    left = faults
    while left:
        size = 2 if left > 1 and dice.random() < PAIRS else 1
        plan.append(tuple(next(deal) for _ in range(size)))
        left -= size
    return plan


def _deal(kinds: Sequence[str], dice: random.Random) -> Iterator[str]:
    while True:
        yield from dice.sample(list(kinds), len(kinds))
