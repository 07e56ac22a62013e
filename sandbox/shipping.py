"""The carrier stand-in: a small JSON API of its own, with its own manner of idempotency.

A shipment is known by the reference that the client made. A second one under the same reference is
refused with 409, which shows the first. Cancelling can be repeated, and also said in advance: a
reference that was cancelled before it arrived stays cancelled, so that a late or slow request does
not ship what was given up.
"""

import hmac
import json
import re
import secrets
import sqlite3
from datetime import UTC, datetime
from typing import Any

from sandbox.credentials import Credentials
from sandbox.web import Call, Provider, Refusal, Request, Response, route

SHIPMENTS = "/carrier/v1/shipments"
REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,100}")
LARGEST_PAGE = 200
FAILURES = {
    "rate_limited": (429, "too_many_requests", "Slow down and try again."),
    "broken": (500, "internal_error", "Something went wrong on our side."),
    "refused": (422, "undeliverable", "We do not deliver there."),
    "unknown_path": (404, "unknown_path", "There is nothing here."),
}


def create(call: Call) -> Response:
    """Make a shipment; under a reference that is taken, 409 and the shipment that has it."""
    wanted = _checked(call.request.json)
    existing = _find(call.db, wanted["reference"])
    if existing is not None:
        message = f"There is a shipment with the reference {wanted['reference']} already."
        body = _error(409, "reference_taken", message).body
        return Response(409, {**body, "shipment": existing})
    shipment = _new(call, wanted, status="created")
    _insert(call.db, shipment, made=True)
    return Response(201, shipment)


def fetch(call: Call, reference: str) -> Response:
    """The shipment with this reference."""
    shipment = _find(call.db, reference)
    if shipment is None:
        raise Refusal(_error(404, "not_found", f"No shipment has the reference {reference}."))
    return Response(200, shipment)


def cancel(call: Call, reference: str) -> Response:
    """Cancel; again and in advance gives the same answer."""
    if not REFERENCE.fullmatch(reference):
        raise Refusal(_error(422, "invalid", "A reference is 1 to 100 of A-Z a-z 0-9 . _ : -"))
    shipment = _find(call.db, reference)
    if shipment is None:
        shipment = _new(call, {"reference": reference}, status="cancelled")
        _insert(call.db, shipment, made=False)
    elif shipment["status"] != "cancelled":
        shipment |= {"status": "cancelled", "cancelled_at": _iso(call.now)}
        call.db.execute(
            "UPDATE shipment SET cancelled = 1, body = ? WHERE reference = ?",
            (json.dumps(shipment), reference),
        )
    return Response(200, shipment)


def listing(call: Call) -> Response:
    """Shipments made, oldest first, after the cursor of the page before."""
    query = call.request.query
    size = min(_whole(query.get("limit", "")) or 50, LARGEST_PAGE)
    rows = call.db.execute(
        "SELECT number, body FROM shipment WHERE made AND number > ? ORDER BY number LIMIT ?",
        (_whole(query.get("after", "")), size + 1),
    ).fetchall()
    page = [json.loads(row["body"]) for row in rows[:size]]
    after = str(rows[size - 1]["number"]) if len(rows) > size else None
    return Response(200, {"shipments": page, "after": after})


def log(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """The shipments made and not cancelled, oldest first."""
    rows = db.execute("SELECT * FROM shipment WHERE made AND NOT cancelled ORDER BY number")
    return [{"order": row["order_reference"], "reference": row["reference"]} for row in rows]


class Shipping(Provider):
    """The carrier."""

    name = "shipping"
    prefix = "/carrier/"
    routes = (
        route("create", "POST", SHIPMENTS, create),
        route("list", "GET", SHIPMENTS, listing),
        route("fetch", "GET", f"{SHIPMENTS}/{{reference}}", fetch),
        route("cancel", "POST", f"{SHIPMENTS}/{{reference}}/cancel", cancel),
    )

    def authenticate(self, request: Request, credentials: Credentials) -> None:
        """A bearer token."""
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {credentials.carrier_token}".encode()):
            raise Refusal(_error(401, "unauthorised", "The token is missing or wrong."))

    def failure(self, kind: str) -> Response:
        """The carrier's words for it."""
        return _error(*FAILURES[kind])


def _checked(wanted: Any) -> dict[str, Any]:
    if not isinstance(wanted, dict):
        raise Refusal(_error(422, "invalid", "The body is a JSON object."))
    reference = wanted.get("reference")
    if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
        raise Refusal(_error(422, "invalid", "A reference is 1 to 100 of A-Z a-z 0-9 . _ : -"))
    if not isinstance(wanted.get("order"), str | int) or isinstance(wanted["order"], bool):
        raise Refusal(_error(422, "invalid", "`order` names the order, as text or number."))
    return {**wanted, "order": str(wanted["order"])}


def _find(db: sqlite3.Connection, reference: str) -> dict[str, Any] | None:
    row = db.execute("SELECT body FROM shipment WHERE reference = ?", (reference,)).fetchone()
    return json.loads(row["body"]) if row else None


def _new(call: Call, wanted: dict[str, Any], *, status: str) -> dict[str, Any]:
    return {
        "id": "shp_" + secrets.token_hex(8),
        "reference": wanted["reference"],
        "order": wanted.get("order"),
        "status": status,
        "address": wanted.get("address"),
        "tracking_number": secrets.token_hex(6).upper() if status == "created" else None,
        "created_at": _iso(call.now),
        "cancelled_at": _iso(call.now) if status == "cancelled" else None,
    }


def _insert(db: sqlite3.Connection, shipment: dict[str, Any], *, made: bool) -> None:
    db.execute(
        "INSERT INTO shipment (reference, order_reference, made, cancelled, body)"
        " VALUES (?, ?, ?, ?, ?)",
        (shipment["reference"], shipment["order"], made, not made, json.dumps(shipment)),
    )


def _error(status: int, code: str, message: str) -> Response:
    return Response(status, {"error": {"code": code, "message": message}})


def _iso(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0
