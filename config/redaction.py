"""What must not stand in a log: secrets by their field's name; by look, phone and card numbers,
what people searched for, and the tokens of the addresses that providers call.
"""

import re
from collections.abc import MutableMapping
from typing import Any

from django.http import HttpRequest

REDACTED = "[redacted]"
SECRET_NAMES = re.compile(
    r"secret|passw|token|authorization|cookie|api_?key|credential|signature|phone|recipient", re.I
)
# E.164, also with spaces and brackets as people write it.
PHONE_NUMBER = re.compile(r"(?<![\w.])\+[1-9](?:[ ()/.-]{0,2}\d){6,14}(?!\w)")
# 13 to 19 digits as cards have them; somebody will put one into an address.
CARD_NUMBER = re.compile(r"(?<![\w.+-])[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\w-])")
URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
# Behind the question mark of an address: searches, and whatever else somebody put there.
QUERY = re.compile(r"(?<=[/\w])\?[^\s'\"<>]+")
CALLBACK_TOKEN = re.compile(r"(?<=/callbacks/texts/)[^/\s?]+")


def redact_event(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: the same event without secrets, phone and card numbers."""
    return {key: _redact(key, value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """The same text without phone and card numbers; of addresses, without passwords and queries."""
    without = CALLBACK_TOKEN.sub(REDACTED, QUERY.sub("?…", text))
    numbers = PHONE_NUMBER.sub(REDACTED, CARD_NUMBER.sub(REDACTED, without))
    return URL_PASSWORD.sub(rf"\1:{REDACTED}@", numbers)


def as_text(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: objects become text before they are redacted, and not after.

    Django hands its request along with a warning, and that says the whole address.
    """
    return {key: _plain(value) for key, value in event.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, HttpRequest):
        return f"{value.method} {value.path}"
    known = value is None or isinstance(value, str | int | float | dict | list | tuple)
    return value if known else str(value)


def _redact(key: str, value: Any) -> Any:
    if isinstance(key, str) and SECRET_NAMES.search(key):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {inner: _redact(inner, one) for inner, one in value.items()}
    if isinstance(value, list | tuple):
        return [_redact("", one) for one in value]
    return value
