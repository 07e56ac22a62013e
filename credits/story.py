"""A text's life as a list of plain sentences, made from its events."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from credits import selectors
from credits.models import TextEvent, TextMessage

#: What each kind of event is called here, and how it is explained.
SAID = {
    "sending": ("Sending", "Committed before the call, under a lease with a token."),
    "accepted": ("Accepted", "The provider took it; its credits are spent."),
    "refused": ("Refused", "The provider will never send it; its credits came back."),
    "postponed": ("Put off", "Nothing went out; it is tried again."),
    "unknown": ("Unknown", "Nobody can say whether it went out. Its credits stay held."),
    "listed": ("Found", "It is in the provider's list, so it went out."),
    "not_listed": (
        "Not in the list",
        "Time-out and lag were over and its sender was gone: it did not go out.",
    ),
    "unlistable": ("List out of reach", "Nothing follows from that; it is asked again."),
    "callback": ("Callback", "The provider told what became of it, with its signature."),
    "policy": ("Settled by policy", "As the community wishes it."),
    "skipped": ("Skipped", "It was not sent and will not be; its credits came back."),
    "abandoned": ("Given up", "Its message ended otherwise than done."),
}


@dataclass(frozen=True)
class Step:
    """One line of the story."""

    at: datetime | None
    status: str
    title: str
    text: str
    detail: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    elapsed: str = ""


def of(text: TextMessage) -> list[Step]:
    """What happened so far, oldest first, what was found out later, and what is waited for."""
    first = Step(
        text.campaign.created_at,
        "scheduled",
        "Queued",
        f"{text.segments} credit{'s' if text.segments > 1 else ''} held, with the campaign's other "
        "texts, in one transaction.",
    )
    events = selectors.text_story(text)
    befores = [text.campaign.created_at, *[event.at for event in events]]
    steps = [_step(event, before) for event, before in zip(events, befores, strict=False)]
    found = [
        Step(one.at, "finding", "Finding", one.get_kind_display(), one.evidence)
        for one in text.findings.order_by("pk")
    ]
    return [first, *steps, *found, *_ahead(text)]


def _step(event: TextEvent, before: datetime) -> Step:
    title, text = SAID.get(event.kind, (event.kind.capitalize(), ""))
    tags = {
        "status": event.status,
        "error": str(event.error_code or ""),
        "id": event.sid,
        "process": event.worker,
        "token": str(event.token or "") if event.kind == "sending" else "",
    }
    return Step(
        event.at,
        str(event.status if event.kind == "callback" else event.kind),
        title,
        text,
        event.detail,
        tuple((name, value) for name, value in tags.items() if value),
        _elapsed(event.at - before),
    )


def _ahead(text: TextMessage) -> list[Step]:
    if text.state == TextMessage.State.UNKNOWN:
        said = "By a callback, or by the provider's list; else by the community's policy."
        return [Step(None, "waiting", "To be settled", said)]
    if text.state == TextMessage.State.QUEUED and text.campaign.status == "paused":
        return [Step(None, "waiting", "Paused", "It waits until its campaign is resumed.")]
    if text.state == TextMessage.State.QUEUED and text.campaign.status == "running":
        return [Step(None, "waiting", "To be sent", "When the driver hands it out.")]
    return []


def _elapsed(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0)
    if seconds < 1:
        return f"+{seconds * 1000:.0f} ms"
    return f"+{seconds:.1f} s" if seconds < 60 else f"+{int(seconds // 60)} min"
