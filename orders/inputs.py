"""What people and programs may order: one place for API and form.

Nothing here asks the database. Every refusal says what to do, and none repeats a card number.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from pricing import inputs
from pricing.inputs import InvalidInput

MOST_LINES = 50
MOST_OF_ONE = 10_000
LARGEST_TOTAL = Decimal("999999.99")
"""What payment providers take in one payment."""

SMALLEST_TOTAL = Decimal("0.50")
PAYMENT_METHOD = re.compile(r"(pm|card|src|tok)_[A-Za-z0-9_]{1,90}")
LONGEST_ADDRESS = 254
"""What the column holds, and what mail servers take (RFC 5321)."""

CARD_NUMBER = re.compile(r"\d(?:[ -]?\d){11,}")


@dataclass(frozen=True, kw_only=True)
class OrderRequest:
    """A well-formed order: how many of which SKU, and how it is paid."""

    quantities: dict[str, int]
    payment_method: str
    expected_total: Decimal | None
    email: str


def order_request(
    *,
    lines: Sequence[Mapping[str, Any]],
    payment_method: str,
    expected_total: Decimal | str | None = None,
    email: str | None = None,
) -> OrderRequest:
    """Read an order; several lines of one SKU are added up. Raises InvalidInput with all faults."""
    form = inputs.Form()
    form.require(payment_method=payment_method)
    request = OrderRequest(
        quantities=_quantities(form, lines),
        payment_method=form.read("payment_method", payment_method, method) or "",
        expected_total=form.read("expected_total", expected_total, inputs.money),
        email=form.read("email", email, address) or "",
    )
    form.refuse()
    return request


def method(value: object) -> str:
    """The provider's name for a payment method. Raises ValueError, which does not repeat it."""
    written = value.strip() if isinstance(value, str) else ""
    if CARD_NUMBER.search(written):
        raise ValueError(
            "looks like a card number, which must never be sent here. It was not kept. Send the "
            'id that the payment provider gives for a card, such as "pm_card_visa".'
        )
    if not PAYMENT_METHOD.fullmatch(written):
        raise ValueError('is no payment method; send the provider\'s id, such as "pm_card_visa".')
    return written


def address(value: object) -> str:
    """An e-mail address. Raises ValueError."""
    try:
        validate_email(written := str(value).strip())
    except ValidationError:
        raise ValueError('is no e-mail address; write one such as "name@example.org".') from None
    if len(written) > LONGEST_ADDRESS:
        raise ValueError(f"is longer than {LONGEST_ADDRESS} characters; write a shorter address.")
    return written


def _quantities(form: inputs.Form, lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    if not 0 < len(lines) <= MOST_LINES:
        form.errors["lines"] = f"are {len(lines)}; order 1 to {MOST_LINES} of them."
        return wanted
    for number, line in enumerate(lines):
        sku = form.read(f"lines.{number}.sku", line.get("sku"), inputs.product_sku)
        if sku is None:
            form.errors.setdefault(f"lines.{number}.sku", "is missing; give it.")
            continue
        quantity = line.get("quantity")
        total = wanted.get(sku, 0) + (quantity if isinstance(quantity, int) else 0)
        if not isinstance(quantity, int) or quantity < 1 or total > MOST_OF_ONE:
            advice = f"is not from 1 to {MOST_OF_ONE:,}; order as many as you need."
            form.errors[f"lines.{number}.quantity"] = advice
            continue
        wanted[sku] = total
    return wanted


__all__ = ["InvalidInput", "OrderRequest", "order_request"]
