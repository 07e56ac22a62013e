"""Stripe's form fields: `metadata[order]=7`, amounts in the smallest unit of the currency."""

import re
from collections.abc import Mapping

from sandbox.payments import errors

LARGEST_AMOUNT = 99_999_999
SMALLEST_AMOUNT = 50


def nested(form: Mapping[str, str], name: str) -> dict[str, str]:
    """The fields `name[key]` by their key. An empty value means: take the key away."""
    pattern = re.compile(rf"{name}\[([^\]]+)\]")
    found = ((pattern.fullmatch(field), value) for field, value in form.items())
    return {match.group(1): value for match, value in found if match}


def flag(form: Mapping[str, str], name: str) -> bool:
    """A boolean field; absent is false."""
    return form.get(name, "false").lower() == "true"


def whole(form: Mapping[str, str], name: str) -> int | None:
    """A positive whole number, or None where the field is absent."""
    text = form.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) == 0:
        raise errors.refuse(
            f"Invalid positive integer: {text}", code="parameter_invalid_integer", param=name
        )
    return int(text)


def amount(form: Mapping[str, str]) -> int:
    """The amount of a new payment. Raises Refusal where it is missing or out of range."""
    value = whole(form, "amount")
    if value is None:
        raise missing("amount")
    if value < SMALLEST_AMOUNT:
        raise errors.refuse("Amount is too small", code="amount_too_small", param="amount")
    if value > LARGEST_AMOUNT:
        raise errors.refuse("Amount is too large", code="amount_too_large", param="amount")
    return value


def currency(form: Mapping[str, str]) -> str:
    """A currency of three letters."""
    value = form.get("currency")
    if value is None:
        raise missing("currency")
    if not re.fullmatch(r"[A-Za-z]{3}", value):
        raise errors.refuse(f"Invalid currency: {value}", param="currency")
    return value.lower()


def missing(name: str) -> Exception:
    """A required field is absent."""
    return errors.refuse(f"Missing required param: {name}.", code="parameter_missing", param=name)
