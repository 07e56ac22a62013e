"""What must not stand in a log: secrets by their field's name, phone and card numbers by look."""

import re
from collections.abc import MutableMapping
from typing import Any

REDACTED = "[redacted]"
SECRET_NAMES = re.compile(
    r"secret|passw|token|authorization|cookie|api_?key|credential|signature|phone|recipient", re.I
)
# E.164, also with spaces and brackets as people write it.
PHONE_NUMBER = re.compile(r"(?<![\w.])\+[1-9](?:[ ()/.-]{0,2}\d){6,14}(?!\w)")
# 13 to 19 digits as cards have them; somebody will put one into an address.
CARD_NUMBER = re.compile(r"(?<![\w.+-])[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\w-])")
URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")


def redact_event(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: the same event without secrets, phone and card numbers."""
    return {key: _redact(key, value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """The same text without phone and card numbers and without passwords in addresses."""
    numbers = PHONE_NUMBER.sub(REDACTED, CARD_NUMBER.sub(REDACTED, text))
    return URL_PASSWORD.sub(rf"\1:{REDACTED}@", numbers)


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
