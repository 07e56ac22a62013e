"""Where a search begins: an index that leads to the messages in question, in an order to go on by.

Each source is a statement that ends with `LIMIT %(scanned)s`, and a cursor: the place of a message
in its order, as text that comes back with the next call.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from outbox import handlers
from outbox.models import Message

if TYPE_CHECKING:
    from outbox.monitoring.search import Query

ENDED = ("done", "dead", "expired", "cancelled", "discarded")
STATES = {
    "due": "message.state = 'pending' AND message.due_at <= statement_timestamp()",
    "later": "message.state = 'pending' AND message.due_at > statement_timestamp()",
    "failing": "message.state = 'pending' AND message.attempts + message.crashes > 0",
}
"""States that are more than a column's value."""

SCANNED = 60_000
"""Messages that one call looks at: some 50 ms of reading."""

SCANNED_WAITING = 10_000
"""The same of what waits, where each handler's beginning is looked at."""

MOST_ASKED = 1_001
"""Messages of the largest answer, and one more, which says that there are more."""

HAPPENED = ("created", "done", "failed", "crashed", "dead")


@dataclass(frozen=True)
class Source:
    """A statement, its order, and the columns of that order."""

    sql: str
    order: str
    columns: tuple[str, ...]
    values: dict[str, Any] = field(default_factory=dict)
    waiting: bool = False

    @property
    def scanned(self) -> int:
        """How many messages one call looks at."""
        return SCANNED_WAITING if self.waiting else SCANNED

    def cursor(self, message: Message) -> str:
        """The place of a message in this order."""
        return json.dumps([str(getattr(message, column)) for column in self.columns])


def of(query: "Query", after: str) -> Source:
    """The best source for a query, behind the cursor `after`."""
    if query.minute is not None and query.happened in HAPPENED:
        return _in_minute(query, after)
    if query.state == "parked":
        return _parked(after)
    if query.state in ENDED:
        return _ended(query, after)
    if query.state:
        return _waiting(query, after)
    return _newest(after)


def handlers_of(queue: str) -> list[str]:
    """The names of a queue's handlers."""
    every = map(handlers.get, handlers.names())
    return [handler.name for handler in every if handler.queue == queue]


def _newest(after: str) -> Source:
    behind, values = _behind(after, ("id",), "<", ("uuid",))
    sql = f"SELECT * FROM outbox_message WHERE {behind} ORDER BY id DESC LIMIT %(scanned)s"  # noqa: S608
    return Source(sql, "id DESC", ("id",), values)


def _ended(query: "Query", after: str) -> Source:
    columns = ("finished_at", "id")
    behind, values = _behind(after, columns, "<", ("timestamptz", "uuid"))
    sql = f"""SELECT * FROM outbox_message
        WHERE state = %(ended)s AND finished_at IS NOT NULL AND {behind}
        ORDER BY finished_at DESC, id DESC LIMIT %(scanned)s"""  # noqa: S608
    return Source(sql, "finished_at DESC, id DESC", columns, {**values, "ended": query.state})


def _waiting(query: "Query", after: str) -> Source:
    """Longest due first. The index is of one handler each, so that their beginnings are merged."""
    columns = ("due_at", "id")
    behind, values = _behind(after, columns, ">", ("timestamptz", "uuid"))
    time = {
        "due": "due_at <= statement_timestamp()",
        "later": "due_at > statement_timestamp()",
    }.get(query.state, "true")
    sql = f"""{_NAMES} SELECT found.* FROM names CROSS JOIN LATERAL (
            SELECT * FROM outbox_message
            WHERE state = 'pending' AND handler = names.handler AND {time} AND {behind}
            ORDER BY due_at, id LIMIT %(each)s
        ) AS found WHERE names.handler IS NOT NULL ORDER BY due_at, id LIMIT %(scanned)s"""  # noqa: S608
    # What nothing else filters is found at once: no more of each than an answer can hold.
    filtered = query.text or query.queue or query.state == "failing"
    values |= {"each": SCANNED_WAITING if filtered else MOST_ASKED, "only": query.handler or None}
    return Source(sql, "due_at, id", columns, values, waiting=True)


def _parked(after: str) -> Source:
    columns = ("group", "group_seq")
    behind, values = _behind(after, columns, ">", ("text", "bigint"))
    sql = f"""SELECT * FROM outbox_message
        WHERE "group" IS NOT NULL AND state IN ('pending', 'parked', 'dead') AND {behind}
        ORDER BY "group", group_seq LIMIT %(scanned)s"""  # noqa: S608
    return Source(sql, '"group", group_seq', columns, values)


def _in_minute(query: "Query", after: str) -> Source:
    behind, values = _behind(after, ("id",), "<", ("uuid",))
    minute = {
        "created": _CREATED,
        "done": "state = 'done' AND finished_at >= %(minute)s"
        " AND finished_at < %(minute)s + interval '1 minute'",
    }.get(query.happened, _EVENT)
    sql = f"""SELECT * FROM outbox_message WHERE {minute} AND {behind}
        ORDER BY id DESC LIMIT %(scanned)s"""  # noqa: S608
    values |= {"minute": query.minute, "happened": query.happened}
    return Source(sql, "id DESC", ("id",), values)


def _behind(
    after: str, columns: tuple[str, ...], operator: str, types: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    """The condition that a message comes behind the cursor; no cursor, or a forged one: any."""
    try:
        place = json.loads(after)
        values = [_READ[kind](one) for kind, one in zip(types, place, strict=True)]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "true", {}
    names = ", ".join(f'"{column}"' for column in columns)
    typed = ", ".join(f"%(after_{at})s::{kind}" for at, kind in enumerate(types))
    return f"({names}) {operator} ({typed})", {f"after_{at}": one for at, one in enumerate(values)}


def _text(one: str) -> str:
    one.encode()  # raises ValueError for half of a pair
    return one.replace("\x00", "")


def _bigint(one: str) -> int:
    number = int(one)
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return number


_READ: dict[str, Callable[[str], Any]] = {
    "uuid": UUID,
    "timestamptz": datetime.fromisoformat,
    "bigint": _bigint,
    "text": _text,
}

# From name to name along the index of what is pending, as the relay does.
_NAMES = """
    WITH RECURSIVE every AS (
        (SELECT handler FROM outbox_message WHERE state = 'pending' ORDER BY handler LIMIT 1)
        UNION ALL
        SELECT (SELECT handler FROM outbox_message
                WHERE state = 'pending' AND handler > every.handler ORDER BY handler LIMIT 1)
        FROM every WHERE every.handler IS NOT NULL
    ), names AS (
        SELECT handler FROM every WHERE %(only)s::text IS NULL OR handler = %(only)s
    )
"""

# The ids are made by the senders' clocks: a minute of difference is allowed for.
_CREATED = """
    id >= (lpad(to_hex((extract(epoch FROM %(minute)s) * 1000)::bigint - 60000), 12, '0')
           || repeat('0', 20))::uuid
    AND id < (lpad(to_hex((extract(epoch FROM %(minute)s) * 1000)::bigint + 120000), 12, '0')
              || repeat('0', 20))::uuid
    AND created_at >= %(minute)s AND created_at < %(minute)s + interval '1 minute'
"""

_EVENT = """
    id IN (SELECT message_id FROM outbox_event WHERE kind = %(happened)s
           AND at >= %(minute)s AND at < %(minute)s + interval '1 minute')
"""
