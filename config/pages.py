"""The home page."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from config.tour import views as tour
from config.tour.steps import STEPS
from outbox.models import Message
from pricing import selectors
from pricing.models import PriceReduction, Product

#: Counting goes no further: the page stays quick beside millions of rows.
COUNT_UP_TO = 10_000
LATEST = 6


@dataclass(frozen=True)
class Count:
    """A number of rows, known exactly up to ``COUNT_UP_TO``."""

    exact: int

    def __str__(self) -> str:
        """Write ``10,000+`` where there are more."""
        return f"{self.exact:,}" if self.exact <= COUNT_UP_TO else f"{COUNT_UP_TO:,}+"


@login_required
@vary_on_headers("HX-Request")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the promise and what goes on; to htmx, the live counts alone."""
    template = "parts/home_counts.html" if "HX-Request" in request.headers else "home.html"
    latest = selectors.list_reductions()[:LATEST]
    context: dict[str, object] = {"counts": _counts(), "latest": latest}
    if template == "home.html":
        context |= {"steps": STEPS, "breakable": settings.EMBEDDED, "score": tour.latest(request)}
    return render(request, template, context)


def _counts() -> dict[str, Count]:
    """Count what goes on, by five bounded queries, each along an index."""
    waiting = Message.objects.filter(state=Message.State.PENDING)
    # Whatever has ended has a finish time: the index of the finished ones says so as well.
    ended = Message.objects.filter(finished_at__isnull=False)
    return {
        "products": _count(Product.objects.all()),
        "scheduled": _count(PriceReduction.objects.filter(status=PriceReduction.Status.SCHEDULED)),
        "due": _count(waiting.filter(due_at__lte=Now())),
        "done": _count(ended.filter(state=Message.State.DONE)),
        "dead": _count(ended.filter(state=Message.State.DEAD)),
    }


def _count(rows: "QuerySet[Model]") -> Count:
    return Count(rows.order_by()[: COUNT_UP_TO + 1].count())
