"""Where the lines of a price's step plot run, in percent of its width and height, from top left.

Percent and no pixels, so that the plot stretches with the page while its words keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pricing.models import PriceChange

TOP, BOTTOM = 10.0, 92.0
#: The last price is drawn on for this much of the width: it still holds.
TAIL = 0.08


@dataclass(frozen=True)
class Point:
    """One change of the price."""

    change: PriceChange
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A line of the grid, at a price."""

    price: Decimal
    y: float


@dataclass(frozen=True)
class StepPlot:
    """A price over time: it holds its level until the next change."""

    points: tuple[Point, ...]
    grid: tuple[Line, ...]
    path: str
    area: str

    @property
    def first(self) -> PriceChange:
        """The oldest change that is drawn."""
        return self.points[0].change

    @property
    def last(self) -> PriceChange:
        """The newest."""
        return self.points[-1].change


def step_plot(changes: Sequence[PriceChange]) -> StepPlot | None:
    """Lay out the changes, which come oldest first. None where there is none."""
    if not changes:
        return None
    lowest, highest = _range([change.new_price for change in changes])
    points = tuple(
        Point(change, x, _height(change.new_price, lowest, highest))
        for change, x in zip(changes, _places([change.at for change in changes]), strict=True)
    )
    path = _steps(points)
    return StepPlot(
        points=points,
        grid=tuple(
            Line(price, _height(price, lowest, highest))
            for price in (highest, (lowest + highest) / 2, lowest)
        ),
        path=path,
        area=f"{path} V 100 H {points[0].x:.2f} Z",
    )


def _range(prices: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Return the lowest and the highest price drawn; a price that never changed gets some air."""
    lowest, highest = min(prices), max(prices)
    if lowest == highest:
        air = max(highest / 10, Decimal("0.10"))
        return max(lowest - air, Decimal(0)), highest + air
    return lowest, highest


def _height(price: Decimal, lowest: Decimal, highest: Decimal) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * float((price - lowest) / (highest - lowest)), 2)


def _places(times: Sequence[datetime]) -> list[float]:
    span = (times[-1] - times[0]).total_seconds()
    if not span:
        return [0.0] * len(times)
    width = 100 * (1 - TAIL)
    return [round(width * (time - times[0]).total_seconds() / span, 2) for time in times]


def _steps(points: Sequence[Point]) -> str:
    drawn = [f"M {points[0].x:.2f} {points[0].y:.2f}"]
    drawn += [f"H {point.x:.2f} V {point.y:.2f}" for point in points[1:]]
    return " ".join([*drawn, "H 100"])
