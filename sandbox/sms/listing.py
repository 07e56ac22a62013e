"""Listing messages, newest first, in pages that twilio's client walks by itself."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from sandbox import knobs
from sandbox.sms import resource
from sandbox.web import Call, Refusal, Response

FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")
LARGEST_PAGE = 1000


def answer(call: Call, account: str) -> Response:
    """A page of messages. A new one is missing for as long as `sms_list_lag_seconds` says."""
    query = dict(call.request.query)
    size = _size(query.get("PageSize", ""))
    rows = _select(call, query, size + 1)
    page, more = rows[:size], rows[size:]
    number = _whole(query.get("Page", ""))
    start = number * size
    return Response(
        200,
        {
            "messages": [resource.of(row, account, call.now) for row in page],
            "page": number,
            "page_size": size,
            "start": start,
            "end": start + max(len(page) - 1, 0),
            "uri": _uri(call, query),
            "first_page_uri": _uri(call, _keep(query, size)),
            "previous_page_uri": None,
            "next_page_uri": _next(call, query, size, page[-1]["number"]) if more else None,
        },
    )


def _select(call: Call, query: dict[str, str], limit: int) -> list[sqlite3.Row]:
    newest = call.now - knobs.number(call.db, "sms_list_lag_seconds")
    values: dict[str, float | str] = {"now": call.now, "newest": newest, "limit": limit}
    wheres = ["created_at <= :newest"]
    for where, name, value in _conditions(query):
        wheres.append(where)
        values[name] = value
    # The clauses are literals of this file; every value is a parameter.
    sql = (
        f"SELECT * FROM sms_message WHERE {' AND '.join(wheres)} ORDER BY number DESC LIMIT :limit"  # noqa: S608
    )
    return call.db.execute(sql, values).fetchall()


# A message that has not left yet is found by the time at which it was accepted.
SENT = "CASE WHEN sent_at <= :now THEN sent_at ELSE created_at END"


def _conditions(query: dict[str, str]) -> Iterator[tuple[str, str, float | str]]:
    if "To" in query:
        yield "recipient = :to", "to", query["To"]
    if "From" in query:
        yield "sender = :from", "from", query["From"]
    after = query.get("DateSent>") or query.get("DateSent")
    before = query.get("DateSent<") or query.get("DateSent")
    if after:
        yield f"{SENT} >= :after", "after", _moment(after)[0]
    if before:
        yield f"{SENT} < :before", "before", sum(_moment(before))
    if "PageToken" in query:
        yield "number < :token", "token", _whole(query["PageToken"].removeprefix("PA"))


def _moment(text: str) -> tuple[float, float]:
    """Begin and length in seconds of a day (2026-11-22) or a second (2026-11-22T10:00:00Z)."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        message = f"Invalid date {text!r}: use YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ"
        raise Refusal(Response(400, {"code": 20001, "message": message, "status": 400})) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    length = timedelta(days=1) if len(text) == len("2026-11-22") else timedelta(seconds=1)
    return moment.timestamp(), length.total_seconds()


def _size(text: str) -> int:
    return min(_whole(text), LARGEST_PAGE) or 50


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _keep(query: dict[str, str], size: int) -> dict[str, str]:
    return {name: query[name] for name in FILTERS if name in query} | {
        "PageSize": str(size),
        "Page": "0",
    }


def _next(call: Call, query: dict[str, str], size: int, last: int) -> str:
    page = str(_whole(query.get("Page", "")) + 1)
    return _uri(call, _keep(query, size) | {"Page": page, "PageToken": f"PA{last}"})


def _uri(call: Call, query: dict[str, str]) -> str:
    return call.request.path + ("?" + urlencode(query) if query else "")
