"""Reading the payment provider's lists, and what is told where they cannot be read."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orders import clock
from outbox.reconciliation import Page, Suspect

AT_ONCE = 100
OUT_OF_REACH = "the provider"
UNREAD = Page(0, [OUT_OF_REACH], None)


@dataclass(frozen=True)
class Listed:
    """One answer, newest first, and where to go on."""

    data: list[Any]
    next: str | None


def read(ask: Callable[[dict[str, Any]], Any], after: str, *, window: timedelta) -> Listed:
    """The part of a list behind `after` ("" at first). Raises one of `errors`.

    The window's beginning is kept in the cursor: it must not move while one walks.
    """
    since, last = json.loads(after) if after else (int(time.time() - window.total_seconds()), "")
    query = {"limit": AT_ONCE, "created": {"gte": since}}
    listed = ask(query | ({"starting_after": last} if last else {}))
    more = listed.has_more and listed.data
    return Listed(listed.data, json.dumps([since, listed.data[-1].id]) if more else None)


def errors() -> tuple[type[Exception], ...]:
    """How a request may end that says nothing about what was asked for."""
    import stripe

    from orders.calls import Barred, NotNow

    return (stripe.StripeError, NotNow, Barred)


def out_of_reach() -> Suspect:
    """With the time, so that one that a person acknowledged hides no later one."""
    evidence = {"at": clock.after(timedelta(0)).isoformat(timespec="seconds")}
    return Suspect("provider_out_of_reach", OUT_OF_REACH, evidence, severity="warning")
