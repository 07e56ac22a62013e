"""What people and programs may ask for: one place for API, command line and form.

Nothing here asks the database; what only it can answer (is the SKU known, is the date past) is
for the services. Every refusal says what to do.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from intake.moments import moment, shown

Value = TypeVar("Value")

DECIMAL = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?")
BROKEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class InvalidInput(ValueError):
    """What was asked for cannot be done, and nothing was changed.

    `errors` maps a field's name to what is wrong with it and what to do.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(f"{field}: {advice}" for field, advice in errors.items()))
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class ReductionRequest:
    """A well-formed request for a price reduction. Times are in UTC; None: at once, or never."""

    sku: str | None
    category: str | None
    percent: Decimal | None
    amount: Decimal | None
    starts_at: datetime | None
    expires_at: datetime | None
    if_price_changed: str


@dataclass(frozen=True, kw_only=True)
class ProductDraft:
    """What a person or a file wants a product to be."""

    sku: str
    name: str
    category: str
    price: Decimal
    floor: Decimal


def reduction_request(
    *,
    sku: str | None = None,
    category: str | None = None,
    percent: Decimal | str | None = None,
    amount: Decimal | str | None = None,
    starts_at: datetime | str | None = None,
    expires_at: datetime | str | None = None,
    if_price_changed: str = "skip",
) -> ReductionRequest:
    """Read a request; an empty string is nothing. Raises InvalidInput with all its faults."""
    form = Form()
    request = ReductionRequest(
        sku=form.read("sku", sku, text),
        category=form.read("category", category, category_name),
        percent=form.read("percent", percent, percentage),
        amount=form.read("amount", amount, positive_money),
        starts_at=form.read("starts_at", starts_at, moment),
        expires_at=form.read("expires_at", expires_at, moment),
        if_price_changed=form.read("if_price_changed", if_price_changed, policy) or "skip",
    )
    form.exactly_one(sku=sku, category=category)
    form.exactly_one(percent=percent, amount=amount)
    if request.starts_at and request.expires_at and request.expires_at <= request.starts_at:
        form.errors["expires_at"] = "is not after starts_at; move one of them."
    form.refuse()
    return request


def product_draft(
    *,
    sku: str,
    name: str,
    category: str,
    price: Decimal | str,
    floor: Decimal | str = "0",
) -> ProductDraft:
    """Read what a product shall be. Raises InvalidInput with all its faults."""
    form = Form()
    form.require(sku=sku, name=name, category=category, price=price, floor=floor)
    draft = ProductDraft(
        sku=form.read("sku", sku, product_sku) or "",
        name=form.read("name", name, text) or "",
        category=form.read("category", category, category_name) or "",
        price=form.read("price", price, money) or Decimal(0),
        floor=form.read("floor", floor, money) or Decimal(0),
    )
    form.refuse()
    if draft.price < draft.floor:
        raise InvalidInput(
            {"price": f"{draft.price} is below the floor of {draft.floor}; change either."}
        )
    return draft


class Form:
    """Collects the faults of several fields, so that one answer names them all."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def read(self, field: str, value: object, parse: Callable[[object], Value]) -> Value | None:
        """The value as `parse` reads it; None where it is missing or refused."""
        if value is None or value == "":
            return None
        try:
            return parse(value)
        except ValueError as refusal:
            self.errors[field] = str(refusal)
            return None

    def require(self, **fields: object) -> None:
        """Note those fields that are missing."""
        for field, value in fields.items():
            if value is None or value == "":
                self.errors[field] = "is missing; give it."

    def exactly_one(self, **fields: object) -> None:
        """Note a fault unless just one of these two fields is given."""
        one, other = fields
        given = [value for value in fields.values() if value is not None and value != ""]
        if not given:
            self.errors[one] = f"is missing; give either {one} or {other}."
        elif len(given) > 1:
            self.errors[one] = f"give only one of {one} and {other}."

    def refuse(self) -> None:
        """Raise InvalidInput if there was any fault."""
        if self.errors:
            raise InvalidInput(self.errors)


def money(value: object) -> Decimal:
    """An amount of money: a decimal string with at most two decimals. Raises ValueError."""
    written = str(value) if isinstance(value, Decimal) else value
    if not isinstance(written, str) or not DECIMAL.fullmatch(written):
        raise ValueError(
            f"{shown(value)} is no amount; write digits with at most two decimals, such as "
            '"12.50", without sign, exponent or currency.'
        )
    return Decimal(written)


def positive_money(value: object) -> Decimal:
    """An amount above zero. Raises ValueError."""
    amount = money(value)
    if not amount:
        raise ValueError("0 takes nothing off; give an amount above 0.")
    return amount


def percentage(value: object) -> Decimal:
    """A percentage above 0 and up to 100. Raises ValueError."""
    written = str(value) if isinstance(value, Decimal) else value
    if isinstance(written, str) and DECIMAL.fullmatch(written) and 0 < Decimal(written) <= 100:
        return Decimal(written)
    raise ValueError(
        f"{shown(value)} is no percentage; write a decimal above 0 and up to 100 with at most "
        'two decimals, such as "10" or "12.5".'
    )


def policy(value: object) -> str:
    """What to do where the price has changed since: skip or apply. Raises ValueError."""
    if value not in ("skip", "apply"):
        raise ValueError(f'{shown(value)} is no policy; choose "skip" or "apply".')
    return str(value)


def product_sku(value: object) -> str:
    """A SKU that can stand in an address. Raises ValueError."""
    sku = text(value, longest=64)
    if "/" in sku or sku in {".", ".."}:
        raise ValueError(f"{shown(sku)} cannot stand in an address; write it without slashes.")
    return sku


def category_name(value: object) -> str:
    """A category, as long as products keep it. Raises ValueError."""
    return text(value, longest=100)


def text(value: object, longest: int = 200) -> str:
    """One line of text, without the blanks around it. Raises ValueError."""
    line = value.strip() if isinstance(value, str) else ""
    if not line:
        raise ValueError("is empty; give it a text.")
    if BROKEN.search(line):
        raise ValueError("holds line breaks, control or broken characters; remove them.")
    if len(line) > longest:
        raise ValueError(f"has {len(line)} characters; shorten it to {longest}.")
    return line
