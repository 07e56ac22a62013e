"""Status callbacks: what they say, and Twilio's signature on them."""

import base64
import hmac
import json
import sqlite3
from urllib.parse import urlencode

from sandbox.credentials import Credentials


def of(message: sqlite3.Row, account: str) -> list[tuple[float, str]]:
    """The callbacks of one message with their times. The first status, queued, has none."""
    bodies = []
    if message["sent_at"] is not None:
        bodies.append((message["sent_at"], _body(message, account, "sent")))
    bodies.append((message["ended_at"], _body(message, account, message["outcome"])))
    return bodies


def sign(callback: sqlite3.Row, credentials: Credentials) -> tuple[bytes, dict[str, str]]:
    """Payload and headers: HMAC-SHA1 of the address and the sorted fields (Twilio: Security)."""
    fields: dict[str, str] = json.loads(callback["body"])
    text = callback["url"] + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.digest(credentials.twilio_auth_token.encode(), text.encode(), "sha1")
    return urlencode(fields).encode(), {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
        "User-Agent": "TwilioProxy/1.1",
    }


def _body(message: sqlite3.Row, account: str, status: str) -> str:
    fields = {
        "AccountSid": account,
        "ApiVersion": "2010-04-01",
        "From": message["sender"],
        "MessageSid": message["sid"],
        "MessageStatus": status,
        "SmsSid": message["sid"],
        "SmsStatus": status,
        "To": message["recipient"],
    }
    if status == message["outcome"] and message["error_code"]:
        fields["ErrorCode"] = str(message["error_code"])
    return json.dumps(fields)
