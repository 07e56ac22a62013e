"""GET /metrics for Prometheus: what the tables say, which no restart resets, and this process.

Every web process answers with the same figures of the database, so it does not matter which one a
scrape reaches. A scrape costs a few dozen milliseconds and a bounded number of queries, however
many messages there are.
"""

import hmac
import os
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from config.accounts import tokens
from config.operations import database, workforce
from credits.models import TextMessage
from orders.models import SagaAttempt
from outbox import pauses
from outbox.models import Message
from outbox.monitoring import backlog, flow
from outbox.monitoring.models import BOUNDS
from outbox.reconciliation.models import Finding, Reconciliation

MOST_COUNTED = 10_000
PATIENCE = 1.0
"""Seconds for the broker, twice in a scrape. Nobody stands behind it, unlike behind a page, and a
broker that is merely slow must not be told to be down."""

COUNTERS = {
    "created": ("outbox_messages_created", "Messages enqueued"),
    "done": ("outbox_messages_done", "Messages whose effect has happened"),
    "failed": ("outbox_attempts_failed", "Attempts that failed: retries, and the last one"),
    "crashed": ("outbox_attempts_crashed", "Runs whose process died"),
    "snoozed": ("outbox_attempts_snoozed", "Runs that asked for more time"),
    "dead": ("outbox_dead_letters", "Messages that became dead letters"),
    "ended": ("outbox_messages_given_up", "Messages expired, cancelled or discarded"),
    "redriven": ("outbox_messages_redriven", "Messages redriven by a person"),
    "deliveries": ("outbox_deliveries", "Celery tasks received by workers"),
    "refused": ("outbox_deliveries_refused", "Messages refused to a delivery: taken or done"),
}
"""Columns of the minutes, and what each is called here; `_total` is added when written."""


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """200 to whoever may look at messages, by session or by token; else 401 or 403."""
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    registry = CollectorRegistry()
    registry.register(Tables())
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Prometheus sends a bearer token: METRICS_TOKEN, which opens nothing else, or an API token."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    own: str = settings.METRICS_TOKEN
    if scheme.lower() == "bearer":
        if own and hmac.compare_digest(given.encode(), own.encode()):
            return None
        found = tokens.find_token(token=given)
        user = found.user if found else None
    else:
        user = request.user if request.user.is_authenticated else None
    if user is None:
        return HttpResponse(
            "A token is needed.\n", status=401, headers={"WWW-Authenticate": "Bearer"}
        )
    if not user.has_perm("outbox.view_message"):
        return HttpResponse("Your role does not allow this.\n", status=403)
    return None


class Tables(Collector):
    """What the tables say at this moment."""

    def collect(self) -> Iterator[Metric]:
        """Every family; one that cannot be told is left out, and its alert says so."""
        for families in (
            _totals,
            _backlog,
            _states,
            _unknown,
            _reconciliation,
            _database,
            _workers,
            _dispatches,
        ):
            yield from families()

    def describe(self) -> list[Metric]:
        """Nothing in advance: a registry would otherwise collect to find out."""
        return []


def _totals() -> Iterator[Metric]:
    counters = {
        column: CounterMetricFamily(name, told, labels=["handler"])
        for column, (name, told) in COUNTERS.items()
    }
    latency = HistogramMetricFamily(
        "outbox_latency_seconds", "From due to done, of the attempt that did it", labels=["handler"]
    )
    running = CounterMetricFamily(
        "outbox_run_seconds", "Time spent in runs that did it", labels=["handler"]
    )
    for total in flow.totals():
        for column, counter in counters.items():
            counter.add_metric([total.handler], total.sums[column])
        running.add_metric([total.handler], total.sums["run_sum"])
        latency.add_metric(
            [total.handler], _buckets(total.latencies), sum_value=total.sums["latency_sum"]
        )
    yield from (*counters.values(), running, latency)


def _buckets(latencies: Sequence[int]) -> list[tuple[str, float]]:
    """Prometheus counts up: each bucket holds those below it."""
    before, buckets = 0.0, []
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), latencies, strict=True):
        before += count
        buckets.append((bound, before))
    return buckets


def _backlog() -> Iterator[Metric]:
    labels = ["handler", "queue"]
    due = GaugeMetricFamily("outbox_due_messages", "Due now, up to 10,000", labels=labels)
    later = GaugeMetricFamily("outbox_later_messages", "Not due yet, up to 10,000", labels=labels)
    oldest = GaugeMetricFamily(
        "outbox_oldest_due_seconds", "How long the oldest due message has been due", labels=labels
    )
    paused = GaugeMetricFamily("outbox_paused", "1 where a person has paused it", labels=labels)
    held = pauses.paused()
    for one in backlog.backlogs():
        where = [one.handler, one.queue]
        due.add_metric(where, one.due)
        later.add_metric(where, one.later)
        oldest.add_metric(where, one.oldest or 0.0)
        stopped = f"handler:{one.handler}" in held or f"queue:{one.queue}" in held
        paused.add_metric(where, float(stopped))
    yield from (due, later, oldest, paused)


def _states() -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "outbox_dead_letters_waiting", "Dead letters that nobody has dealt with, up to 10,000"
    )
    dead = Message.objects.filter(state=Message.State.DEAD, finished_at__isnull=False)
    waiting.add_metric([], dead.order_by()[:MOST_COUNTED].count())
    parked = GaugeMetricFamily("outbox_parked_messages", "Behind others of their group")
    parked.add_metric([], backlog.parked())
    yield from (waiting, parked)


def _unknown() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "onceproof_unknown_outcomes",
        "Outside calls of which nobody knows yet whether they happened",
        labels=["provider"],
    )
    texts = TextMessage.objects.filter(state=TextMessage.State.UNKNOWN)
    family.add_metric(["texts"], texts.order_by()[:MOST_COUNTED].count())
    # Of the latest calls: what nobody could settle since so many has become a finding.
    latest = SagaAttempt.objects.order_by("-pk").values("pk")[:MOST_COUNTED]
    unknown = Q(outcome=SagaAttempt.Outcome.UNKNOWN, step__finished_at=None)
    family.add_metric(["orders"], SagaAttempt.objects.filter(unknown, pk__in=latest).count())
    yield family


def _reconciliation() -> Iterator[Metric]:
    last = Reconciliation.objects.filter(finished_at__isnull=False).order_by("-pk").first()
    if last is None or last.finished_at is None:
        return
    ended = GaugeMetricFamily(
        "outbox_reconciliation_finished_timestamp_seconds", "When the last one was through"
    )
    ended.add_metric([], last.finished_at.timestamp())
    findings = GaugeMetricFamily(
        "outbox_reconciliation_findings", "What the last one found", labels=["repaired"]
    )
    found = Finding.objects.filter(reconciliation=last)
    for repaired in (True, False):
        count = found.filter(repaired=repaired).count()
        findings.add_metric([str(repaired).lower()], count)
    yield from (ended, findings)


def _database() -> Iterator[Metric]:
    health = database.health()
    for name, told, value in (
        ("onceproof_database_sessions", "Connections to the database", health.sessions),
        ("onceproof_database_sessions_most", "Connections that it allows", health.most),
        ("onceproof_database_waiting", "Sessions that wait for a lock", health.waiting),
        (
            "onceproof_database_oldest_transaction_seconds",
            "How long the oldest transaction has been open",
            health.oldest,
        ),
        ("onceproof_messages_bytes", "What the messages' table and indexes take", health.size),
    ):
        family = GaugeMetricFamily(name, told)
        family.add_metric([], value)
        yield family


def _workers() -> Iterator[Metric]:
    seen = workforce.seen(PATIENCE)
    reachable = GaugeMetricFamily("onceproof_broker_up", "1 where the broker has just answered")
    reachable.add_metric([], float(not seen.problem))
    workers = GaugeMetricFamily(
        "onceproof_workers", "Workers seen in the last seconds, by queue", labels=["queue"]
    )
    queues = [queue for worker in seen.workers for queue in worker.queues]
    for queue in sorted(set(queues)):
        workers.add_metric([queue], queues.count(queue))
    this = GaugeMetricFamily("onceproof_process_id", "The web process that answered")
    this.add_metric([], os.getpid())
    yield from (reachable, workers, this)


def _dispatches() -> Iterator[Metric]:
    """No sample where the broker is away: nobody knows then, and zero would be a lie."""
    waiting = GaugeMetricFamily(
        "onceproof_broker_queue_length", "Dispatches that wait in the broker", labels=["queue"]
    )
    for queue, length in workforce.queues(PATIENCE).waiting.items():
        waiting.add_metric([queue], length)
    yield waiting
