"""A message's life as a list of plain sentences: every delivery, every refusal, the effect."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.operations.charts import seconds
from config.operations.effects import Effect
from outbox import selectors
from outbox.models import Message

#: What each kind of event is called, and how it is explained.
SAID = {
    "scheduled": (
        "Requested and committed",
        "The business rows and this message, in one transaction, which began here.",
    ),
    "dispatched": ("Dispatched", "The bell was rung: a Celery task says that there is work."),
    "claimed": ("Delivered and claimed", "A worker holds the row: while it runs, nobody else can."),
    "refused": ("Duplicate refused", ""),
    "failed": ("Failed", "All that the attempt did was undone."),
    "snoozed": ("Put off", "The handler asked for more time; this counts as no attempt."),
    "isolated": ("Set apart", "Its batch failed; it runs alone from here on."),
    "crashed": ("Crashed", "The process ended in the middle. Its transaction was undone."),
    "done": ("Done", "The effect and this mark, in one commit."),
    "dead": ("Dead letter", "It is not tried again by itself: a person must look."),
    "expired": ("Expired", "Its last moment had passed, so it was not run."),
    "cancelled": ("Cancelled", "A person called it off while it waited."),
    "discarded": ("Discarded", "A person gave it up."),
    "redriven": ("Redriven", "It runs again, under the same id and key."),
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line. `since` is the time since the line before, `total` since the first."""

    at: datetime | None
    status: str
    title: str
    text: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    since: str = ""
    total: str = ""


def of(message: Message, effect: Effect | None) -> list[Step]:
    """What happened so far, oldest first; and, where it waits, for what."""
    told = [_outbox(event) for event in selectors.story(message.pk)]
    told += [
        Step(at=line.at, status=line.status, title=line.title, text=line.text, detail=line.detail)
        for line in (effect.lines if effect else ())
    ]
    # Of two at one moment the commit's own comes first, and its effect before the mark.
    in_order = sorted(told, key=lambda step: (step.at or message.created_at, _rank(step)))
    return [*_timed(in_order), *_ahead(message)]


def _outbox(event: selectors.Event) -> Step:
    title, text = SAID.get(event.kind, (event.kind.capitalize(), ""))
    detail = {_NAMES.get(name, name): _words(one) for name, one in event.detail.items()}
    if event.kind == "refused":
        text = str(detail.pop("error", ""))
    return Step(at=event.at, status=event.kind, title=title, text=text, detail=detail)


def _words(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


_NAMES = {"task_id": "task", "due_at": "due", "worker": "process", "actor": "by"}


def _rank(step: Step) -> int:
    return {"scheduled": 0, "dispatched": 1, "claimed": 2, "effect": 3, "done": 4}.get(
        step.status, 5
    )


def _timed(steps: list[Step]) -> list[Step]:
    first = before = steps[0].at if steps else None
    timed: list[Step] = []
    for step in steps:
        since = _between(before, step.at) if timed else ""
        total = _between(first, step.at) if timed else ""
        timed.append(Step(**{**vars(step), "since": since, "total": total}))
        before = step.at
    return timed


def _between(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return ""
    span = max((end - start).total_seconds(), 0.0)
    return f"+{span * 1000:.1f} ms" if span < 0.01 else f"+{seconds(span)}"


def _ahead(message: Message) -> list[Step]:
    if message.state == Message.State.PARKED:
        said = f"Behind an earlier message of {message.group}."
        return [Step(at=None, status="waiting", title="Parked", text=said)]
    if message.state != Message.State.PENDING:
        return []
    title = "Next attempt" if message.attempts or message.crashes else "To be run"
    said = "When its time comes a worker claims it; the relay rings until one does."
    return [Step(at=message.due_at, status="waiting", title=title, text=said)]
