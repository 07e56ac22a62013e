"""The trend's bars, drawn by the server: for each run what was mended, and what was left."""

from collections.abc import Sequence
from dataclasses import dataclass

from outbox.reconciliation.models import Reconciliation
from outbox.reconciliation.selectors import Tally

TOP, BOTTOM = 12.0, 96.0
GAP = 0.25
"""Of a bar's place, left free between it and the next."""


@dataclass(frozen=True)
class Bar:
    """One run, in percent of the plot's width and height, from top left."""

    run: Reconciliation
    tally: Tally
    x: float
    width: float
    repaired_y: float
    repaired_height: float
    left_y: float
    left_height: float


@dataclass(frozen=True)
class Trend:
    """The bars, oldest first, and what the highest of them stands for."""

    bars: list[Bar]
    highest: int

    @property
    def repaired(self) -> int:
        """Findings that were mended, in all of these runs."""
        return sum(bar.tally.repaired for bar in self.bars)

    @property
    def left(self) -> int:
        """Findings that were left to a person, in all of these runs."""
        return sum(bar.tally.left for bar in self.bars)


def trend(runs: Sequence[tuple[Reconciliation, Tally]]) -> Trend | None:
    """Lay the bars out. None without any run."""
    if not runs:
        return None
    highest = max(1, *(tally.found for _, tally in runs))
    place = 100 / max(len(runs), 10)
    start = 100 - len(runs) * place  # the latest one stands at the right end
    bars = [
        _bar(run, tally, start + number * place, place, highest)
        for number, (run, tally) in enumerate(runs)
    ]
    return Trend(bars, highest)


def _bar(run: Reconciliation, tally: Tally, x: float, place: float, highest: int) -> Bar:
    unit = (BOTTOM - TOP) / highest
    repaired, left = unit * tally.repaired, unit * tally.left
    return Bar(
        run=run,
        tally=tally,
        x=round(x + place * GAP / 2, 2),
        width=round(place * (1 - GAP), 2),
        repaired_y=round(BOTTOM - repaired, 2),
        repaired_height=round(repaired, 2),
        left_y=round(BOTTOM - repaired - left, 2),
        left_height=round(left, 2),
    )
