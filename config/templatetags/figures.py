"""How templates write figures: spans of time, sizes, counts that end somewhere."""

from datetime import timedelta

from django import template

from config.operations import charts
from outbox.monitoring.backlog import MOST_COUNTED

register = template.Library()


@register.filter
def span(seconds: float | timedelta | None) -> str:
    """4 ms, 1.2 s, 3 min, 2 h; a dash for none."""
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    return charts.seconds(seconds)


@register.filter
def counted(number: int) -> str:
    """A count that may have gone no further than MOST_COUNTED: 10,000+."""
    return f"{number:,}+" if number and number % MOST_COUNTED == 0 else f"{number:,}"


@register.filter
def rate(number: float) -> str:
    """Messages a second: 0, 0.3, 12, 1,200."""
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


@register.filter
def size(number: int) -> str:
    """Bytes: 12 kB, 3.4 MB, 1.2 GB."""
    for limit, unit in ((1e6, "kB"), (1e9, "MB"), (1e12, "GB")):
        if number < limit:
            shown = number / limit * 1000
            return f"{shown:.0f} {unit}" if shown >= 10 else f"{shown:.1f} {unit}"
    return f"{number / 1e12:.1f} TB"
