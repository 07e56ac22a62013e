"""What the tour breaks: a process is killed, a broker emptied, a delivery doubled."""

import json
import os
import signal
from dataclasses import dataclass
from uuid import UUID, uuid4

import redis
from django.conf import settings
from django.db import transaction

import outbox
from config import home
from config.supervisor import leftovers
from outbox import dispatch, handlers
from outbox.models import Message
from pricing import services
from pricing.models import PriceReduction, Product

VICTIM = "worker-main@"
JOBS = 30
"""Reductions that are scheduled before something is broken: a second's work."""


class CannotBreak(Exception):
    """There is nothing to break here; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """What was done: in words for the audit log and the page, and the jobs to watch."""

    said: str
    reductions: list[UUID]


def press_twice(actor: str) -> Broken:
    """Schedule one reduction twice under one key, and have its message delivered four times."""
    key = f"tour:{uuid4()}"
    product = _products(1)[0]
    asked = {"sku": product, "percent": "1", "if_price_changed": "apply", "key": key}
    first = services.schedule_reduction(actor=actor, **asked)
    second = services.schedule_reduction(actor=actor, **asked)
    handler = handlers.get("pricing.apply_reduction")
    for _ in range(3):
        dispatch.send(handler, [first.message_id] if first.message_id else [])
    same = "the same reduction" if first.pk == second.pk else "two reductions"
    return Broken(
        said=f"Pressed twice: both answers name {same}. Its message was delivered 4 times.",
        reductions=[first.pk],
    )


def kill_worker(actor: str) -> Broken:
    """Give the workers something to do, and kill the main one: no signal that it could catch."""
    victim = _find(VICTIM)
    reductions = _schedule_many(actor)
    os.kill(victim, signal.SIGKILL)
    said = f"{len(reductions)} reductions were scheduled, and process {victim} killed with -9."
    return Broken(said=said, reductions=reductions)


def flush_broker(actor: str) -> Broken:
    """Give the workers something to do, and empty the broker under them."""
    reductions = _schedule_many(actor)
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=2) as client:
        lost = client.dbsize()
        client.flushdb()
    said = f"{len(reductions)} reductions were scheduled, and the broker emptied of {lost} keys."
    return Broken(said=said, reductions=reductions)


def bury(actor: str) -> Message:
    """Enqueue a message that fails for good, until somebody redrives it."""
    with transaction.atomic():
        enqueued = outbox.enqueue("tour.cross_the_bridge", args={"asked_by": actor})
    return Message.objects.get(pk=enqueued.message_id)


def _schedule_many(actor: str) -> list[UUID]:
    """Each in a transaction of its own, as if by so many people."""
    return [
        services.schedule_reduction(
            sku=sku, percent="1", if_price_changed="apply", actor=actor, key=f"tour:{uuid4()}"
        ).pk
        for sku in _products(JOBS)
    ]


def _products(count: int) -> list[str]:
    found = Product.objects.filter(sku__startswith="DEMO-").order_by("pk")
    skus = list(found.values_list("sku", flat=True)[:count])
    if not skus:
        raise CannotBreak("The demo products are gone: `manage.py demo` makes them again.")
    return skus


def _find(name: str) -> int:
    """The process that our own supervisor started under this name, as it wrote it down."""
    try:
        written = json.loads((home.current().folder / "processes.json").read_text())
    except (OSError, ValueError):
        written = []
    ours = {(pid, command) for pid, command, _ in written if f" {name}" in f" {command}"}
    for process in leftovers.listing():
        if (process.pid, process.command) in ours:
            return process.pid
    raise CannotBreak("That worker is not running at this moment; try again in a second.")


def outcome(reductions: list[str]) -> dict[str, int]:
    """What became of the jobs: how many have ended, how many changed a price, and how often."""
    found = PriceReduction.objects.filter(pk__in=reductions)
    # First, who has ended: what they changed is there by now. The other way round the last one
    # could end between the two questions, and the page, which stops asking then, would miss it.
    ended = found.exclude(status=PriceReduction.Status.SCHEDULED).count()
    applied = list(found.filter(price_changes__isnull=False).values_list("pk", flat=True))
    return {
        "scheduled": found.count(),
        "ended": ended,
        "applied": len(set(applied)),
        "twice": len(applied) - len(set(applied)),
    }
