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
    def by_ledger(self) -> int | str:
        """The credits that are left by what was sent."""
        sent = self.figures.get("sent")
        return "" if sent is None or self.plot is None else self.plot.highest - sent

    @property
    def verdict(self) -> str:
        """What is wrong with it, or that nothing is."""
        unpaid, lost = self.figures.get("oversold", 0), self.figures.get("lost", 0)
        doubled, failed = self.figures.get("doubled", 0), self.figures.get("failed", 0)
        if unpaid:
            return f"{unpaid} texts nobody paid for"
        if lost:
            return f"{lost} updates lost"
        if failed:
            return f"{failed} deliveries failed"
        return f"{doubled} jobs done twice" if doubled else "adds up"

    @property
    def tone(self) -> str:
        """broken, doubled (the counter is right, the ledger has too much), or holds."""
        if not self.is_over:
            return "open"
        wrong = any(self.figures.get(name) for name in ("lost", "oversold", "failed"))
        return "broken" if wrong else "holds" if self.is_right else "doubled"

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


@dataclass(frozen=True)
class Together:
    """One figure of all strategies over their time."""

    title: str
    highest: str
    seconds: float
    lines: tuple[tuple[int, str, str], ...]  # number, strategy, path


def together(lanes: Sequence[Mapping[str, Any]]) -> list[Together]:
    """Throughput (jobs done so far) and latency (median of the newest deliveries)."""
    begun = [(number, lane) for number, lane in enumerate(lanes) if lane["samples"]]
    if not begun:
        return []
    seconds = max(lane["samples"][-1][0] for _, lane in begun) or 0.2
    return [
        _together("Jobs done", "{:,.0f} jobs", 1, begun, seconds),
        _together("Latency, median of the newest deliveries", "{:,.0f} ms", 4, begun, seconds),
    ]


def _together(
    title: str, unit: str, column: int, lanes: list[tuple[int, Mapping[str, Any]]], seconds: float
) -> Together:
    highest = max(sample[column] for _, lane in lanes for sample in lane["samples"]) or 1
    lines = []
    for number, lane in lanes:
        samples = lane["samples"] if column != 1 else [[0.0, 0.0], *lane["samples"]]
        points = [
            (100 * each[0] / seconds, BOTTOM - (BOTTOM - TOP) * each[column] / highest)
            for each in samples
        ]
        lines.append((number, lane["title"], _line(points)))
    return Together(title, unit.format(highest), round(seconds, 1), tuple(lines))


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M " + " L ".join(f"{x:.2f} {y:.2f}" for x, y in points)
