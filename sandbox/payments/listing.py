"""Stripe's lists: newest first, pages by cursor. Lists are up to date; only the search lags."""

from collections.abc import Iterator

from sandbox.payments import errors, forms, objects
from sandbox.web import Call, Response

COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
LARGEST_PAGE = 100


def intents(call: Call) -> Response:
    """Payment intents, by customer and time of creation. Stripe's list knows no metadata."""
    return _page(call, "payment_intent", "customer")


def refunds(call: Call) -> Response:
    """Refunds, by intent, charge and time of creation."""
    return _page(call, "refund", "payment_intent", "charge")


def events(call: Call) -> Response:
    """Events, by type and time of creation: what a missed webhook is looked up with."""
    return _page(call, "event", "type")


def event(call: Call, event: str) -> Response:
    """One event."""
    return Response(200, objects.get(call.db, "event", event))


def limit(call: Call) -> int:
    """The page size that was asked for: 1 to 100, 10 if not said."""
    size = forms.whole(call.request.query, "limit") or 10
    if size > LARGEST_PAGE:
        raise errors.refuse(f"limit is at most {LARGEST_PAGE}", param="limit")
    return size


def _page(call: Call, kind: str, *fields: str) -> Response:
    size = limit(call)
    values: dict[str, str | int] = {"kind": kind, "limit": size + 1}
    wheres = ["kind = :kind"]
    for where, name, value in _conditions(call, kind, fields):
        wheres.append(where)
        values[name] = value
    backwards = "ending_before" in call.request.query
    found = objects.page(call.db, wheres, values, newest=not backwards)
    data = found[:size][::-1] if backwards else found[:size]
    more = len(found) > size
    return Response(
        200, {"object": "list", "url": call.request.path, "has_more": more, "data": data}
    )


def _conditions(
    call: Call, kind: str, fields: tuple[str, ...]
) -> Iterator[tuple[str, str, str | int]]:
    query = call.request.query
    for field in fields:
        if field in query:
            yield f"json_extract(body, '$.{field}') = :{field}", field, query[field]
    for cursor, comparison in (("starting_after", "<"), ("ending_before", ">")):
        if cursor in query:
            number = objects.number_of(call.db, kind, query[cursor])
            yield f"number {comparison} :{cursor}", cursor, number
    for name, bound in forms.nested(query, "created").items():
        if name not in COMPARISONS or not bound.isdecimal():
            raise errors.refuse("Invalid created: use gt, gte, lt or lte", param="created")
        yield f"CAST(created_at AS INTEGER) {COMPARISONS[name]} :{name}", name, int(bound)
