"""The bars of a chart, each a link: written in one go, since a page has 120 of them.

As a template they were half of the operations page's processor time.
"""

from datetime import datetime

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from config.operations.charts import Bar, Chart

register = template.Library()

BAR = (
    '<a href="{}" aria-label="{}" id="{}-{}" tabindex="{}"{}><title>{}</title>'
    '<rect class="hit" x="{}%" y="0" width="{}%" height="100%"></rect>{}</a>'
)
PART = '<rect class="{}" x="{}%" y="{}%" width="{}%" height="{}%"></rect>'


@register.simple_tag
def bars(
    chart: Chart, *, name: str, happened: str, more: str = "", chosen: datetime | None = None
) -> SafeString:
    """One link for each minute, to its messages; Tab leads to the last, arrow keys to the rest."""
    address = f"{reverse('operations:messages')}?happened={happened}&minute="
    last = len(chart.bars)
    return format_html_join(
        "",
        BAR,
        (
            (
                f"{address}{bar.value}{'&' if more else ''}{more}",
                bar.said,
                name,
                place,
                0 if place == last else -1,
                CHOSEN if bar.minute == chosen else "",
                bar.said,
                bar.x,
                bar.width,
                _parts(bar),
            )
            for place, bar in enumerate(chart.bars, start=1)
        ),
    )


CHOSEN = format_html(' aria-current="{}"', "true")


def _parts(bar: Bar) -> SafeString:
    return format_html_join(
        "", PART, ((part.what, bar.x, part.y, bar.width, part.height) for part in bar.parts)
    )
