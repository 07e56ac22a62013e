"""A reduction's life as a list of plain sentences, made from its message's story."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outbox.selectors import Event
from pricing import selectors
from pricing.models import PriceReduction

#: What each kind of event is called here, and how it is explained.
SAID = {
    "scheduled": ("Scheduled", "The reduction and its message were committed together."),
    "dispatched": ("Dispatched", "The bell was rung: a Celery task says that there is work."),
    "claimed": ("Claimed", "A worker locked the message. While it runs, nobody else can."),
    "failed": ("Failed", "Everything that the attempt did was undone; it is tried again."),
    "snoozed": ("Put off", "The handler asked for more time; this counts as no attempt."),
    "isolated": ("Set apart", "It runs alone from here on, to spare its neighbours."),
    "crashed": ("Crashed", "The process ended in the middle. Its transaction was undone."),
    "done": ("Applied", "The effect and the end of the message were committed together."),
    "dead": ("Dead letter", "It will not be tried again by itself; a person must look."),
    "expired": ("Expired", "Its last moment had passed, so it was not applied."),
    "cancelled": ("Cancelled", "A person called it off before it was applied."),
    "discarded": ("Discarded", "A person gave it up."),
    "redriven": ("Redriven", "A person had it tried again, under the same id and key."),
}


@dataclass(frozen=True)
class Step:
    """One line of the timeline."""

    at: datetime | None
    status: str
    title: str
    text: str
    detail: dict[str, Any]
    elapsed: str = ""  # since the step before; empty for the first and for what is to come


def of(reduction: PriceReduction) -> list[Step]:
    """Return what happened so far, oldest first, and what is waited for."""
    told = selectors.reduction_story(reduction)
    if not told:  # its message has been pruned
        return []
    befores = [None, *told[:-1]]
    steps = [_step(event, before, reduction) for event, before in zip(told, befores, strict=True)]
    if reduction.status == PriceReduction.Status.SCHEDULED:
        steps.append(_ahead(told, reduction))
    return steps


def _step(event: Event, before: Event | None, reduction: PriceReduction) -> Step:
    title, text = SAID.get(event.kind, (event.kind.capitalize(), ""))
    status = event.kind
    if event.kind == "done" and reduction.status == PriceReduction.Status.SKIPPED:
        status, title, text = "skipped", "Skipped", f"{reduction.reason}."
    elapsed = _elapsed(event.at - before.at) if before else ""
    return Step(event.at, status, title, text, event.detail, elapsed)


def _ahead(told: list[Event], reduction: PriceReduction) -> Step:
    """Say what is waited for. The message's own time counts: a failure has put it off."""
    due = next((event.detail["due_at"] for event in told if "due_at" in event.detail), None)
    tried = any(event.kind in {"failed", "crashed", "snoozed", "redriven"} for event in told)
    title = "Next attempt" if tried else "To be applied"
    text = "When its time comes, the relay rings, and again until it is done."
    return Step(due or reduction.due_at, "waiting", title, text, {})


def _elapsed(span: timedelta) -> str:
    """Write a span as people compare it: ``+0.8 ms``, ``+4.20 s``, ``+2 h 05 min``."""
    seconds = max(span.total_seconds(), 0)
    if seconds < 1:
        return f"+{seconds * 1000:.1f} ms"
    if seconds < 60:
        return f"+{seconds:.2f} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"+{hours} h {minutes:02} min" if hours else f"+{minutes} min"
