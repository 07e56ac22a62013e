"""What an address or a form asks for, as a search; nonsense counts as nothing asked."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from outbox.models import Message
from outbox.monitoring.search import LONGEST_TEXT, Query
from outbox.monitoring.sources import HAPPENED, STATES

CHOICES = ("due", "later", "failing", *(str(state) for state in Message.State))


def query(given: Mapping[str, str]) -> Query:
    """The search that these parameters describe."""
    minute = _minute(given.get("minute", ""))
    happened = given.get("happened", "")
    known = minute is not None and happened in HAPPENED
    state = given.get("state", "")
    return Query(
        text=_clean(given.get("search", "")),
        state=state if state in CHOICES or state in STATES else "",
        handler=_clean(given.get("handler", "")),
        queue=_clean(given.get("queue", "")),
        happened=happened if known else "",
        minute=minute if known else None,
    )


def address(asked: Query, **more: str) -> str:
    """The same search as the part of an address behind the question mark."""
    every = {
        "search": asked.text,
        "state": asked.state,
        "handler": asked.handler,
        "queue": asked.queue,
        "happened": asked.happened,
        "minute": f"{asked.minute:%Y-%m-%dT%H:%MZ}" if asked.minute else "",
        **more,
    }
    return urlencode({name: value for name, value in every.items() if value})


def _clean(text: str) -> str:
    return "".join(one for one in text.strip() if one.isprintable())[:LONGEST_TEXT]


def _minute(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None
