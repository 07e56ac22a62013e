"""Search over the messages, whatever somebody has in hand: an id, a key, an argument, an error.

Ids and keys are looked up in their indexes. Anything else is looked for among so many messages at a
time, newest first: the answer says how far it came, and the next call goes on from there. So every
call is short, however many messages there are.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from outbox.models import Message
from outbox.monitoring import sources
from outbox.monitoring.sources import Source

PAGE = 50
"""Messages of one answer."""

LONGEST_TEXT = 200


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is looked for. All that is given must hold; nothing given: all messages."""

    text: str = ""  # an id, a key, a group; else part of the arguments, the key or the error
    state: str = ""  # a state, or "due", "later", "failing"
    handler: str = ""
    queue: str = ""
    happened: str = ""  # with `minute`: created, done, failed, crashed, dead
    minute: datetime | None = None

    def as_json(self) -> dict[str, str]:
        """As the audit log keeps it."""
        return {name: str(value) for name, value in asdict(self).items() if value}


@dataclass(frozen=True, kw_only=True)
class Found:
    """Messages in the order of their source, and where to go on: "" where nothing is left."""

    messages: list[Message]
    after: str = ""
    exact: bool = False  # found by an index, all of them
    reached: datetime | None = None  # how far back an unfinished search has come


def find(query: Query, after: str = "", *, most: int = PAGE) -> Found:
    """At most `most` messages behind `after`. May find none, and yet say where to go on."""
    if query.text and not after and (exact := _by_index(query, most)):
        return Found(messages=exact, exact=True)
    source = sources.of(query, after)
    messages = list(Message.objects.raw(_sql(source, query), _values(source, query, most + 1)))
    if len(messages) > most:
        return Found(messages=messages[:most], after=source.cursor(messages[most - 1]))
    last = _last_scanned(source)
    return Found(
        messages=messages,
        after=source.cursor(last) if last else "",
        reached=last.created_at if last else None,
    )


def matching(query: Query, *, most: int) -> list[UUID]:
    """The ids of what matches, at most so many; goes on until there are no more, or enough."""
    ids: list[UUID] = []
    after = ""
    while len(ids) < most:
        found = find(query, after, most=min(1_000, most - len(ids)))
        ids += [message.pk for message in found.messages]
        if not (after := found.after):
            break
    return ids


def _by_index(query: Query, most: int) -> list[Message]:
    conditions, values = _conditions(query, text=False)
    as_id = _uuid(query.text)
    lookups = ["key = %(text)s", '"group" = %(text)s']
    lookups += ["id = %(id)s", "operation_id = %(id)s"] if as_id else []
    ids = " UNION ".join(f"(SELECT id FROM outbox_message WHERE {one})" for one in lookups)  # noqa: S608
    sql = f"""
        SELECT message.* FROM outbox_message AS message
        WHERE id IN ({ids}) AND {conditions} ORDER BY id DESC LIMIT %(most)s
    """  # noqa: S608 - no value is part of the text
    values |= {"text": query.text, "id": as_id, "most": most}
    return list(Message.objects.raw(sql, values))


def _sql(source: Source, query: Query) -> str:
    """Looks at ids and what is asked of them, and only then at whole messages: these are wide, and
    sorting ten thousand of them was most of a search. (PostgreSQL reads no column of an inner
    SELECT that the outer one leaves out.)
    """
    conditions, _ = _conditions(query)
    return f"""
        SELECT * FROM outbox_message WHERE id IN (
            SELECT id FROM ({source.sql}) AS message
            WHERE {conditions} ORDER BY {source.order} LIMIT %(most)s
        ) ORDER BY {source.order}
    """  # noqa: S608


def _values(source: Source, query: Query, most: int) -> dict[str, Any]:
    _, values = _conditions(query)
    return {**source.values, **values, "most": most, "scanned": source.scanned}


def _conditions(query: Query, *, text: bool = True) -> tuple[str, dict[str, Any]]:
    """What each message of the source must meet. `text`: whether it must hold the text."""
    conditions: list[str] = ["true"]
    values: dict[str, Any] = {}
    if query.handler:
        conditions.append("message.handler = %(handler)s")
        values["handler"] = query.handler
    if query.queue:
        conditions.append("message.handler = ANY(%(handlers)s)")
        values["handlers"] = sources.handlers_of(query.queue)
    if query.state:
        conditions.append(sources.STATES.get(query.state, "message.state = %(state)s"))
        values["state"] = query.state
    if text and query.text:
        conditions.append(_TEXT)
        escaped = query.text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        values |= {"exactly": query.text, "like": f"%{escaped}%"}
    return " AND ".join(conditions), values


def _last_scanned(source: Source) -> Message | None:
    """The last message that was looked at, if there may be more behind it."""
    values = {**source.values, "scanned": 1, "passed": source.scanned - 1}
    last = f"SELECT id FROM ({source.sql} OFFSET %(passed)s) AS message"  # noqa: S608
    sql = f"SELECT * FROM outbox_message WHERE id = ({last})"  # noqa: S608
    found = list(Message.objects.raw(sql, values))
    return found[0] if found else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


_TEXT = """(message.args::text LIKE %(like)s OR message.key LIKE %(like)s
            OR message.task_id = %(exactly)s OR message.worker = %(exactly)s
            OR message.last_error LIKE %(like)s)"""
