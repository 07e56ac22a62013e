"""The list of messages: search, filter by what the chart shows, choose, act on all that match."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from config.operations import asked, charts
from config.operations.access import may_see
from outbox import handlers
from outbox.monitoring import flow, search, sources
from outbox.monitoring.search import PAGE


@login_required
@may_see
@vary_on_headers("HX-Request")
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """Show what matches; to htmx, which goes on with an unfinished search, the next rows."""
    query = asked.query(request.GET)
    found = search.find(query, request.GET.get("after", ""))
    shown = _shown_before(request.GET.get("shown", "")) + len(found.messages)
    context = {
        "query": query,
        "found": found,
        "shown": shown,
        # An unfinished search goes on by itself until there is a page to show.
        "goes_on": bool(found.after and found.reached and shown < PAGE),
        "address": asked.address(query),
        "next": asked.address(query, after=found.after, shown=str(shown)),
    }
    if "HX-Request" in request.headers:
        return render(request, "operations/parts/message_rows.html", context)
    return render(request, "operations/messages.html", context | _filters(query))


def _filters(query: search.Query) -> dict[str, object]:
    minutes = flow.minutes(handler=query.handler)
    if query.queue:
        of_queue = set(sources.handlers_of(query.queue))
        minutes = [one for one in minutes if one.handler in of_queue]
    every = [handlers.get(name) for name in handlers.names()]
    return {
        "states": asked.CHOICES,
        "handlers": [handler.name for handler in every],
        "queues": sorted({handler.queue for handler in every}),
        "chart": charts.throughput(minutes),
        "chart_address": asked.address(
            search.Query(text=query.text, handler=query.handler, queue=query.queue)
        ),
    }


def _shown_before(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0
