"""Stripe's search language for payment intents (docs.stripe.com/search), as far as it is needed.

In reality the search is eventually consistent: Stripe says that it is no read-after-write, and that
new data is found within a minute in normal times. The knob `payments_search_lag_seconds` does it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox import knobs
from sandbox.payments import errors, listing, objects
from sandbox.web import Call, Response

CLAUSE = re.compile(
    r"""\s*(?P<negated>-)?
    (?P<field>amount|currency|customer|status|created|metadata\[(?P<mark>["'])(?P<key>.+?)(?P=mark)\])
    \s*(?P<operator>:|=|>=|<=|>|<)\s*
    (?:(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)|(?P<number>\d+|null))
    \s*(?P<joint>(?i:AND|OR)\b)?""",
    re.VERBOSE,
)
NUMERIC = {"amount", "created"}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ":": lambda have, want: have == want,
    "=": lambda have, want: have == want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
}


@dataclass(frozen=True)
class Clause:
    """One condition, such as -status:'canceled' or metadata['order']:'7'."""

    field: str
    key: str | None
    operator: str
    value: str | int | None
    negated: bool

    def holds(self, body: objects.Object) -> bool:
        """Whether an intent fulfils it."""
        have = body["metadata"].get(self.key) if self.key else body[self.field]
        return OPERATORS[self.operator](have, self.value) != self.negated


def intents(call: Call) -> Response:
    """Payment intents that fulfil the query, newest first, in pages."""
    query = call.request.query
    clauses, join = _parse(query.get("query", ""))
    found = [
        body
        for body in _candidates(call, clauses, join)
        if join(clause.holds(body) for clause in clauses)
    ]
    start, size = _start(query.get("page", "")), listing.limit(call)
    more = len(found) > start + size
    return Response(
        200,
        {
            "object": "search_result",
            "url": call.request.path,
            "has_more": more,
            "next_page": f"page_{start + size}" if more else None,
            "data": found[start : start + size],
        },
    )


def _candidates(
    call: Call, clauses: list[Clause], join: Callable[..., bool]
) -> list[objects.Object]:
    until = call.now - knobs.number(call.db, "payments_search_lag_seconds")
    for clause in clauses:
        if join is all and clause.key and not clause.negated and isinstance(clause.value, str):
            return objects.with_metadata(
                call.db, "payment_intent", clause.key, clause.value, until=until
            )
    return objects.all_of(call.db, "payment_intent", until=until)


def _parse(text: str) -> tuple[list[Clause], Callable[..., bool]]:
    clauses, joints, position = [], set(), 0
    while position < len(text.rstrip()):
        match = CLAUSE.match(text, position)
        if match is None:
            break
        clauses.append(_clause(match))
        position = match.end()
        if match["joint"]:
            joints.add(match["joint"].upper())
    if not clauses or position < len(text.rstrip()) or len(joints) > 1:
        raise errors.refuse(f"We were unable to parse your search query: {text!r}", param="query")
    return clauses, any if joints == {"OR"} else all


def _clause(match: re.Match[str]) -> Clause:
    field = match["field"]
    value: str | int | None = match["number"]
    if match["quote"]:
        value = re.sub(r"\\(.)", r"\1", match["text"])
    if value == "null":
        value = None
    if field in NUMERIC and isinstance(value, str):
        if not value.isdecimal():
            raise errors.refuse(f"{field} is a number", param="query")
        value = int(value)
    elif match["operator"] not in (":", "="):
        raise errors.refuse(f"{field} cannot be compared by {match['operator']}", param="query")
    return Clause(field, match["key"], match["operator"], value, bool(match["negated"]))


def _start(page: str) -> int:
    number = page.removeprefix("page_")
    return int(number) if number.isdecimal() else 0
