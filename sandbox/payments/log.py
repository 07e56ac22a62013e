"""What really happened to money: one entry for every intent on which anything was ever held."""

import sqlite3
from typing import Any

from sandbox.payments import objects, refunds


def of(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Payments, oldest first; amounts in the smallest unit of the currency.

    Status: requires_capture (held), succeeded (taken), canceled (was held, was released), refunded,
    partially_refunded. A declined intent moved no money and is not listed.
    """
    intents = reversed(objects.all_of(db, "payment_intent"))
    return [_entry(db, intent) for intent in intents if _moved_money(intent)]


def _moved_money(intent: objects.Object) -> bool:
    return bool(intent["latest_charge"]) and intent["last_payment_error"] is None


def _entry(db: sqlite3.Connection, intent: objects.Object) -> dict[str, Any]:
    metadata = intent["metadata"]
    return {
        "order": metadata.get("order") or metadata.get("order_id"),
        "amount": intent["amount_received"] or intent["amount"],
        "status": _status(db, intent),
    }


def _status(db: sqlite3.Connection, intent: objects.Object) -> str:
    given_back = refunds.refunded(objects.children(db, intent["id"]))
    if not given_back:
        return str(intent["status"])
    return "refunded" if given_back >= intent["amount_received"] else "partially_refunded"
