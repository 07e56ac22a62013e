"""Where the lines of a campaign's plot run, in percent of its width and height, from top left."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

TOP, BOTTOM = 10.0, 96.0


@dataclass(frozen=True)
class ProgressPlot:
    """Texts settled so far over the campaign's time: those sent, and those that were not."""

    sent: str
    area: str
    others: str
    highest: int
    sent_total: int
    others_total: int


def progress_plot(steps: Sequence[tuple[int, int]], *, most: int) -> ProgressPlot | None:
    """Lay out the steps, which are of equal length and come oldest first. None without any.

    `most` is how many there can be.
    """
    if not steps:
        return None
    sent = list(accumulate(count for count, _ in steps))
    others = list(accumulate(count for _, count in steps))
    highest = max(most, sent[-1], others[-1], 1)
    line = _line(sent, highest)
    return ProgressPlot(
        sent=line,
        area=f"{line} V 100 H 0 Z",
        others=_line(others, highest),
        highest=highest,
        sent_total=sent[-1],
        others_total=others[-1],
    )


def _line(values: Sequence[int], highest: int) -> str:
    width = 100 / len(values)
    points = [(0.0, 0)] + [(width * (number + 1), value) for number, value in enumerate(values)]
    return "M " + " L ".join(f"{x:.2f} {_height(value, highest):.2f}" for x, value in points)


def _height(value: int, highest: int) -> float:
    return BOTTOM - (BOTTOM - TOP) * value / highest
