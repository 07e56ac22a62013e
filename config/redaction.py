"""What must not stand in a log: secrets by the name of their field, phone numbers by their look."""

import re
from collections.abc import MutableMapping
from typing import Any

REDACTED = "[redacted]"
SECRET_NAMES = re.compile(
    r"secret|passw|token|authorization|cookie|api_?key|credential|signature|phone|recipient", re.I
)
# E.164, also with spaces and brackets as people write it.
PHONE_NUMBER = re.compile(r"(?<![\w.])\+[1-9](?:[ ()/.-]{0,2}\d){6,14}(?!\w)")
URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")


def redact_event(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: the same event without secrets and phone numbers."""
    return {key: _redact(key, value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """The same text without phone numbers and without passwords in addresses."""
    return URL_PASSWORD.sub(rf"\1:{REDACTED}@", PHONE_NUMBER.sub(REDACTED, text))


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
