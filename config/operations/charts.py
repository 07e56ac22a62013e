"""What is drawn: a bar or a dot for each minute of the last hour, in percent of width and height.

Every bar leads to the messages of its minute, so a chart is a filter of the list.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from django.utils import timezone

from outbox.monitoring import flow
from outbox.monitoring.models import Minute

MINUTES = 60
SLOT = 100 / MINUTES
GAP = 0.3  # percent of the width between two bars


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a bar: what it counts, and where it stands."""

    what: str  # done, failed: also the filter that it stands for
    count: int
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One minute."""

    minute: datetime
    x: float
    width: float
    parts: list[Part]
    said: str  # for those who do not see it

    @property
    def value(self) -> str:
        """The minute, as an address writes it."""
        return f"{self.minute:%Y-%m-%dT%H:%MZ}"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars, the height that they are drawn to, and a summary in words."""

    bars: list[Bar]
    top: str
    summary: str


def throughput(minutes: Sequence[Minute]) -> Chart:
    """Messages done and attempts failed, minute by minute."""
    of: dict[datetime, list[Minute]] = defaultdict(list)
    for one in minutes:
        of[one.minute].append(one)
    counts = {
        at: {
            "done": sum(m.done for m in of[at]),
            "failed": sum(m.failed + m.crashed for m in of[at]),
        }
        for at in _last_hour()
    }
    highest = max((sum(one.values()) for one in counts.values()), default=0) or 1
    done = sum(one["done"] for one in counts.values())
    failed = sum(one["failed"] for one in counts.values())
    return Chart(
        bars=[_stack(place, at, counts[at], highest) for place, at in enumerate(counts)],
        top=f"{highest:,}",
        summary=f"{done:,} messages done and {failed:,} attempts failed in the last hour.",
    )


def latency(minutes: Sequence[Minute]) -> Chart:
    """The 95th percentile from due to done, with the median inside, on a scale of square roots."""
    of: dict[datetime, list[Sequence[int]]] = defaultdict(list)
    for one in minutes:
        of[one.minute].append(one.latencies)
    found = {at: _percentiles(of[at]) for at in _last_hour()}
    highest = max((p95 for _, p95 in found.values()), default=0) or 0.01
    return Chart(
        bars=[_inner(place, at, found[at], highest) for place, at in enumerate(found)],
        top=seconds(highest),
        summary=f"The slowest minute's 95th percentile was {seconds(highest)}.",
    )


def seconds(span: float | None) -> str:
    """A span as people compare it: 4 ms, 1.2 s, 3 min, 2 h."""
    if span is None:
        return "-"
    for limit, unit, size in ((1, "ms", 0.001), (60, "s", 1), (3600, "min", 60)):
        if span < limit:
            shown = span / size
            return f"{shown:.0f} {unit}" if shown >= 10 or unit == "ms" else f"{shown:.2g} {unit}"
    return f"{span / 3600:.2g} h" if span < 86400 else f"{span / 86400:.2g} d"


def _last_hour() -> list[datetime]:
    this = timezone.now().replace(second=0, microsecond=0)
    return [this - timedelta(minutes=ago) for ago in range(MINUTES - 1, -1, -1)]


def _stack(place: int, at: datetime, counts: dict[str, int], highest: int) -> Bar:
    parts, bottom = [], 100.0
    for what, count in counts.items():
        height = round(100 * count / highest, 2)
        bottom -= height
        if count:
            parts.append(Part(what=what, count=count, y=round(bottom, 2), height=height))
    said = f"{at:%H:%M}: {counts['done']:,} done, {counts['failed']:,} failed"
    return _bar(place, at, parts, said)


def _percentiles(latencies: list[Sequence[int]]) -> tuple[float, float]:
    added = flow.add_up(latencies) if latencies else []
    return flow.percentile(added, 0.5) or 0.0, flow.percentile(added, 0.95) or 0.0


def _inner(place: int, at: datetime, found: tuple[float, float], highest: float) -> Bar:
    p50, p95 = found
    heights = {"p95": _root(p95 / highest), "p50": _root(p50 / highest)}
    parts = [
        Part(what=what, count=1, y=round(100 - height, 2), height=height)
        for what, height in heights.items()
        if height
    ]
    said = f"{at:%H:%M}: half within {seconds(p50)}, 95 % within {seconds(p95)}"
    return _bar(place, at, parts, said if p95 else f"{at:%H:%M}: nothing done")


def _root(share: float) -> float:
    return round(100 * sqrt(share), 2)


def _bar(place: int, at: datetime, parts: list[Part], said: str) -> Bar:
    return Bar(
        minute=at, x=round(place * SLOT, 3), width=round(SLOT - GAP, 3), parts=parts, said=said
    )
