"""Bars that are written in one go: each a link to its minute's messages, and all of it escaped."""

from datetime import datetime

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from config.operations import charts
from config.operations.charts import Chart
from outbox.monitoring.models import Minute


@pytest.fixture
def chart() -> Chart:
    this = timezone.now().replace(second=0, microsecond=0)
    return charts.throughput([Minute(minute=this, handler="x", done=1_500, failed=500, crashed=0)])


def drawn(chart: Chart, more: str = "", chosen: datetime | None = None) -> list[str]:
    page = render_to_string(
        "operations/parts/chart.html",
        {"chart": chart, "name": "bar", "happened": "done", "more": more, "chosen": chosen},
    )
    return page.partition("<a ")[2].partition("</svg>")[0].split("<a ")


def test_a_bar_has_its_parts_and_leads_to_its_minute(chart: Chart) -> None:
    last = chart.bars[-1]
    assert drawn(chart)[-1].strip() == (
        f'href="/operations/messages/?happened=done&amp;minute={last.value}"'
        f' aria-label="{last.said}" id="bar-60" tabindex="0"><title>{last.said}</title>'
        '<rect class="hit" x="98.333%" y="0" width="1.367%" height="100%"></rect>'
        '<rect class="done" x="98.333%" y="25.0%" width="1.367%" height="75.0%"></rect>'
        '<rect class="failed" x="98.333%" y="0.0%" width="1.367%" height="25.0%"></rect></a>'
    )


def test_tab_leads_to_one_of_them(chart: Chart) -> None:
    assert [one for one in drawn(chart) if 'tabindex="0"' in one] == drawn(chart)[-1:]
    assert len(drawn(chart)) == charts.MINUTES


def test_what_else_is_filtered_goes_along_escaped(chart: Chart) -> None:
    first = drawn(chart, more='handler=a&search="><b>')[0]
    assert 'Z&amp;handler=a&amp;search=&quot;&gt;&lt;b&gt;"' in first


def test_the_chosen_one_says_so(chart: Chart) -> None:
    marked = drawn(chart, chosen=chart.bars[7].minute)
    assert [place for place, one in enumerate(marked) if 'aria-current="true"' in one] == [7]
