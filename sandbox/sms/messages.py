"""Text messages: accepting them, and telling what became of them."""

import re
import secrets
import sqlite3
from typing import Any
from urllib.parse import urlsplit

from sandbox import callbacks, knobs
from sandbox.sms import errors, resource, segments, status_callbacks
from sandbox.web import Call, Response

E164 = re.compile(r"\+[1-9]\d{6,14}")
LONGEST_BODY = 1600
DEFAULT_ENDS = {"undelivered": 30003, "failed": 30007}


def create(call: Call, account: str) -> Response:
    """Accept a text. There is no idempotency key: asked twice, it is sent twice."""
    form = call.request.form
    _check(call.db, form)
    message = _insert(call, form, *_end(call, form["To"]))
    if form.get("StatusCallback"):
        callbacks.schedule(
            call.db,
            provider="sms",
            url=form["StatusCallback"],
            bodies=status_callbacks.of(message, account),
            faults=call.faults,
        )
    return Response(201, resource.of(message, account, call.now))


def fetch(call: Call, account: str, sid: str) -> Response:
    """One text as it stands now."""
    message = call.db.execute("SELECT * FROM sms_message WHERE sid = ?", (sid,)).fetchone()
    if message is None:
        raise errors.refuse(20404)
    return Response(200, resource.of(message, account, call.now))


def log(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """The texts really sent, oldest first: accepted, and not failed before they left."""
    rows = db.execute("SELECT * FROM sms_message WHERE outcome <> 'failed' ORDER BY number")
    return [{"to": row["recipient"], "body": row["body"], "sid": row["sid"]} for row in rows]


def _check(db: sqlite3.Connection, form: dict[str, str]) -> None:
    code = _refusal_of_fields(form) or _refusal_of_number(db, form["To"])
    if code:
        raise errors.refuse(code)


def _refusal_of_fields(form: dict[str, str]) -> int | None:
    sender = form.get("From", "")
    rules = (
        (not form.get("To"), 21604),
        (not sender and not form.get("MessagingServiceSid"), 21603),
        (not form.get("Body"), 21602),
        (len(form.get("Body", "")) > LONGEST_BODY, 21617),
        (not E164.fullmatch(form.get("To", "")), 21211),
        (sender.startswith("+") and not E164.fullmatch(sender), 21212),
        (sender in errors.MAGIC_FROM, errors.MAGIC_FROM.get(sender, 0)),
        (not _is_address(form.get("StatusCallback")), 21609),
    )
    return next((code for broken, code in rules if broken), None)


def _is_address(url: str | None) -> bool:
    try:
        parts = urlsplit(url or "")
        return not url or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        return False


def _refusal_of_number(db: sqlite3.Connection, number: str) -> int | None:
    code = errors.MAGIC_TO.get(number) or _code_of(db, number)
    return code if code in errors.MESSAGES else None


def _code_of(db: sqlite3.Connection, number: str) -> int | None:
    row = db.execute("SELECT code FROM sms_number WHERE number = ?", (number,)).fetchone()
    return row["code"] if row else None


def _end(call: Call, number: str) -> tuple[str, int | None]:
    """How the text will end, and why; decided when it is accepted."""
    code = _code_of(call.db, number)
    for outcome, usual in DEFAULT_ENDS.items():
        if outcome in call.faults:
            return outcome, code or usual
    if code in errors.DELIVERY:
        return "failed" if code == DEFAULT_ENDS["failed"] else "undelivered", code
    return "delivered", None


def _insert(call: Call, form: dict[str, str], outcome: str, error_code: int | None) -> sqlite3.Row:
    step = knobs.number(call.db, "sms_step_seconds")
    sent_at = None if outcome == "failed" else call.now + step
    row: sqlite3.Row = call.db.execute(
        "INSERT INTO sms_message (sid, recipient, sender, messaging_service, body, segments,"
        " outcome, error_code, created_at, sent_at, ended_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        (
            "SM" + secrets.token_hex(16),
            form["To"],
            form.get("From", ""),
            form.get("MessagingServiceSid"),
            form["Body"],
            segments.count(form["Body"]),
            outcome,
            error_code,
            call.now,
            sent_at,
            (sent_at or call.now) + step,
        ),
    ).fetchone()
    return row
