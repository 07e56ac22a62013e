"""Events about payments, and Stripe's signature on them (docs.stripe.com/webhooks)."""

import hmac
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox import callbacks, knobs
from sandbox.credentials import Credentials
from sandbox.payments import objects
from sandbox.web import Call

API_VERSION = "2026-02-25.clover"
STEP_SECONDS = 0.2  # between the events of one request
EVENTS = "FROM payment_object WHERE kind = 'event'"


def record(call: Call, kind: str, body: objects.Object) -> None:
    """Record an event in the transaction of the effect that it tells of."""
    objects.insert(call.db, _event(call, kind, body), now=call.now)


@contextmanager
def sending(call: Call) -> Iterator[None]:
    """Around an effect: the events it recorded are sent together, if anybody listens."""
    newest = call.db.execute(f"SELECT max(number) AS number {EVENTS}").fetchone()["number"] or 0
    yield
    url = knobs.text(call.db, "payments_webhook_url")
    if url:
        rows = call.db.execute(f"SELECT body {EVENTS} AND number > ? ORDER BY number", (newest,))
        bodies = [(call.now + STEP_SECONDS * n, row["body"]) for n, row in enumerate(rows)]
        callbacks.schedule(call.db, provider="payments", url=url, bodies=bodies, faults=call.faults)


def sign(callback: sqlite3.Row, credentials: Credentials) -> tuple[bytes, dict[str, str]]:
    """Payload and headers: HMAC-SHA256 of the time of sending and the body."""
    sent_at, payload = int(time.time()), callback["body"].encode()
    signed = f"{sent_at}.".encode() + payload
    digest = hmac.digest(credentials.stripe_webhook_secret.encode(), signed, "sha256").hex()
    return payload, {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={sent_at},v1={digest}",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }


def _event(call: Call, kind: str, body: objects.Object) -> dict[str, Any]:
    return {
        "id": objects.new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(call.now),
        # A copy as it is now: later events tell of later states.
        "data": {"object": json.loads(json.dumps(body))},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {
            "id": None,
            "idempotency_key": call.request.headers.get("idempotency-key"),
        },
        "type": kind,
    }
