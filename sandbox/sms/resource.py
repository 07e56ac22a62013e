"""The Message resource as Twilio shows it."""

import sqlite3
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from sandbox.sms import errors


def of(message: sqlite3.Row, account: str, now: float) -> dict[str, Any]:
    """The JSON of one message at the moment `now`."""
    state = status(message, now)
    ended = state == message["outcome"]
    error_code = message["error_code"] if ended else None
    sent = message["sent_at"] is not None and now >= message["sent_at"]
    uri = f"/2010-04-01/Accounts/{account}/Messages/{message['sid']}"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": message["body"],
        "date_created": _rfc2822(message["created_at"]),
        "date_sent": _rfc2822(message["sent_at"]) if sent else None,
        "date_updated": _rfc2822(min(now, message["ended_at"])),
        "direction": "outbound-api",
        "error_code": error_code,
        "error_message": errors.DELIVERY.get(error_code) if error_code else None,
        "from": message["sender"] or None,
        "messaging_service_sid": message["messaging_service"],
        "num_media": "0",
        "num_segments": str(message["segments"]),
        "price": None,
        "price_unit": "USD",
        "sid": message["sid"],
        "status": state,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message["recipient"],
        "uri": f"{uri}.json",
    }


def status(message: sqlite3.Row, now: float) -> str:
    """queued, then sent, then how it ended. It follows from the clock, so no kill can lose it."""
    if now >= message["ended_at"]:
        return str(message["outcome"])
    if message["sent_at"] is not None and now >= message["sent_at"]:
        return "sent"
    return "queued"


def _rfc2822(timestamp: float) -> str:
    return format_datetime(datetime.fromtimestamp(timestamp, UTC))
