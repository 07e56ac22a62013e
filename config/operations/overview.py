"""The first page of operations: the whole system at a glance, kept up to date while one looks."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from config.operations import charts, database, workforce
from config.operations.access import may_see
from outbox import pauses
from outbox.desk.models import DeskAct
from outbox.models import Run
from outbox.monitoring import backlog, flow, schedules
from outbox.monitoring.backlog import Backlog
from outbox.monitoring.models import Minute, Pause
from outbox.reconciliation.models import Finding, Reconciliation

RUNS_SHOWN = 12
ACTS_SHOWN = 6


@dataclass(kw_only=True)
class HandlerRow:
    """One handler, as the table shows it: what waits, and what it did in the last hour."""

    waiting: Backlog
    pause: Pause | None
    done: int = 0
    failed: int = 0
    dead: int = 0
    refused: int = 0
    p50: float | None = None
    p95: float | None = None


@dataclass(kw_only=True)
class QueueRow:
    """One queue and its handlers. Nothing is due: no age."""

    name: str
    pause: Pause | None
    handlers: list[HandlerRow] = field(default_factory=list)

    @property
    def due(self) -> int:
        """Messages due in it."""
        return sum(row.waiting.due for row in self.handlers)

    @property
    def oldest(self) -> float | None:
        """Seconds for which its oldest due message has been due."""
        return max((one for row in self.handlers if (one := row.waiting.oldest)), default=None)


@login_required
@may_see
@vary_on_headers("HX-Request")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show everything; to htmx, the part that lives."""
    part = "HX-Request" in request.headers
    template = "operations/parts/overview.html" if part else "operations/overview.html"
    return render(request, template, _context())


def _context() -> dict[str, object]:
    minutes = flow.minutes()
    waiting = backlog.backlogs()
    latencies = flow.add_up([one.latencies for one in minutes]) if minutes else []
    last = Reconciliation.objects.order_by("-started_at", "-pk").first()
    return {
        "rate": flow.rate_now(),
        "queues": _queues(waiting, minutes),
        "due": sum(one.due for one in waiting),
        "later": sum(one.later for one in waiting),
        "parked": backlog.parked(),
        "oldest": max((one.oldest for one in waiting if one.oldest), default=None),
        "p50": flow.percentile(latencies, 0.5) if latencies else None,
        "p95": flow.percentile(latencies, 0.95) if latencies else None,
        "p99": flow.percentile(latencies, 0.99) if latencies else None,
        "throughput": charts.throughput(minutes),
        "latency": charts.latency(minutes),
        "failures": flow.failures(),
        "runs": Run.objects.order_by("started_at")[:RUNS_SHOWN],
        "database": database.health(),
        "workforce": workforce.seen(),
        "dispatches": workforce.queues(),
        "reconciliation": last,
        "findings": Finding.objects.filter(reconciliation=last).count() if last else 0,
        "schedules": schedules.upcoming(),
        "acts": DeskAct.objects.all()[:ACTS_SHOWN],
    }


def _queues(waiting: list[Backlog], minutes: list[Minute]) -> list[QueueRow]:
    """The handlers under their queues; those that no release knows come last."""
    paused = pauses.paused()
    of_handler: dict[str, list[Minute]] = defaultdict(list)
    for minute in minutes:
        of_handler[minute.handler].append(minute)
    queues: dict[str, QueueRow] = {}
    for one in sorted(waiting, key=lambda one: (one.queue == "", one.queue, one.handler)):
        queue = queues.setdefault(
            one.queue, QueueRow(name=one.queue, pause=paused.get(f"queue:{one.queue}"))
        )
        pause = paused.get(f"handler:{one.handler}")
        queue.handlers.append(_row(one, pause, of_handler[one.handler]))
    return list(queues.values())


def _row(waiting: Backlog, pause: Pause | None, minutes: list[Minute]) -> HandlerRow:
    latencies = flow.add_up([one.latencies for one in minutes]) if minutes else []
    return HandlerRow(
        waiting=waiting,
        pause=pause,
        done=sum(one.done for one in minutes),
        failed=sum(one.failed + one.crashed for one in minutes),
        dead=sum(one.dead for one in minutes),
        refused=sum(one.refused for one in minutes),
        p50=flow.percentile(latencies, 0.5) if latencies else None,
        p95=flow.percentile(latencies, 0.95) if latencies else None,
    )
