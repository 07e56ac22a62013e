"""Events about payments, and Stripe's signature on them (docs.stripe.com/webhooks)."""

import hmac
import json
import sqlite3
import time
from typing import Any

from sandbox import callbacks, knobs
from sandbox.credentials import Credentials
from sandbox.payments import objects
from sandbox.web import Call

API_VERSION = "2026-02-25.clover"
STEP_SECONDS = 0.05  # between the events of one request


def emit(call: Call, *changes: tuple[str, objects.Object]) -> None:
    """Record events (type, object) with the effect, and send them if anybody listens."""
    events = [_event(call, kind, body) for kind, body in changes]
    for event in events:
        objects.insert(call.db, event, now=call.now)
    url = knobs.text(call.db, "payments_webhook_url")
    if url:
        times = (call.now + STEP_SECONDS * n for n in range(len(events)))
        callbacks.schedule(
            call.db,
            provider="payments",
            url=url,
            bodies=[(at, json.dumps(event)) for at, event in zip(times, events, strict=True)],
            faults=call.faults,
        )


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
