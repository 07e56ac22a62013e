"""docs/pages.md: what the measurement of the pages has found, as a document."""

from collections.abc import Sequence
from datetime import UTC, datetime
from os import cpu_count
from platform import python_version
from typing import Protocol

from benchmarks import machine
from config.embedded.child import PROJECT

PAGE = PROJECT / "docs" / "pages.md"


class Figures(Protocol):
    """A line of tests.pages.measure."""

    name: str
    address: str
    status: int
    median: float
    p95: float
    cpu: float
    queries: int


HEAD = """# How long each page takes

With {messages:,} messages, 100,000 products and 60 of everything else in the database: the server's
time, in one process, 20 requests each. The promise: 95 % of them within 100 ms, and at most 30
questions to the database, however much there is (`test_every_page_asks_little.py` compares 3 of
everything with 60). Written by `python -m tests.pages.measure --write`.

{day} on {cores} cores, {system}, Python {python}, PostgreSQL and Python on the same machine. How
busy it was with other work: load average {before:.1f} at first, {after:.1f} at the end. *CPU* is
the processor time of both for one request, which no neighbour changes; where it is far below the
time, the page has waited for its turn.

**By processor time the slowest takes {worked:.0f} ms; by the clock, {slowest:.0f} ms. {verdict}**

| Page | 50 % | 95 % | CPU | Questions |
|---|---|---|---|---|
"""


def write(figures: Sequence[Figures], *, messages: int, load: tuple[float, float]) -> None:
    """Write the document anew; only pages are in it, and not what refuses GET."""
    shown = sorted((one for one in figures if one.status == 200), key=lambda one: -one.p95)
    late = [one.address for one in shown if one.p95 > 100]
    head = HEAD.format(
        messages=messages,
        day=f"{datetime.now(UTC):%-d %B %Y}",
        cores=cpu_count(),
        system=machine.system(),
        python=python_version(),
        before=load[0],
        after=load[1],
        slowest=shown[0].p95,
        worked=max(one.cpu for one in shown),
        verdict=f"{len(late)} of {len(shown)} are above 100 ms by the clock."
        if late
        else "None is above 100 ms.",
    )
    PAGE.write_text(head + "".join(_line(one) for one in shown))


def _line(one: Figures) -> str:
    milliseconds = " | ".join(f"{each:.1f} ms" for each in (one.median, one.p95, one.cpu))
    return f"| {one.address} | {milliseconds} | {one.queries} |\n"
