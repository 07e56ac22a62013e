"""Where the lines of a hot run's plots run, in percent of width and height, from top left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TOP, BOTTOM = 8.0, 94.0


@dataclass(frozen=True)
class LanePlot:
    """The counter, and what the ledger says is left: one line where the two agree."""

    counter: str
    ledger: str
    gap: str  # the area between the two
    zero: float  # the height of nothing left
    highest: int
    lowest: int
    seconds: float


@dataclass(frozen=True)
class Lane:
    """One strategy as the page shows it."""

    name: str
    title: str
    naive: bool
    state: str
    figures: Mapping[str, Any]
    plot: LanePlot | None
    share: float  # of the fastest, in percent
    costs: str
    keeps: str

    @property
    def is_over(self) -> bool:
        """Its sums are final."""
        return self.state in ("done", "cut off")

    @property
    def is_right(self) -> bool:
        """Nothing lost, nothing doubled, nothing spent that was not there."""
        return not any(self.figures.get(name) for name in ("lost", "doubled", "oversold", "failed"))


def lane_plot(samples: Sequence[Sequence[float]], at_start: int) -> LanePlot | None:
    """Lay out one lane's samples (seconds, done, credits, sent); None without any."""
    if not samples:
        return None
    counter = [float(at_start)] + [float(sample[2]) for sample in samples]
    ledger = [float(at_start)] + [at_start - float(sample[3]) for sample in samples]
    times = [0.0] + [float(sample[0]) for sample in samples]
    lowest, seconds = min(0.0, *counter, *ledger), max(times[-1], 0.2)
    xs = [100 * time / seconds for time in times]

    def height(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - lowest) / max(at_start - lowest, 1)

    above = [(x, height(value)) for x, value in zip(xs, counter, strict=True)]
    below = [(x, height(value)) for x, value in zip(xs, ledger, strict=True)]
    return LanePlot(
        counter=_line(above),
        ledger=_line(below),
        gap=f"{_line([*above, *reversed(below)])} Z",
        zero=round(height(0), 2),
        highest=at_start,
        lowest=round(lowest),
        seconds=round(seconds, 1),
    )


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M " + " L ".join(f"{x:.2f} {y:.2f}" for x, y in points)
