"""Requests of the API that are granted to an operator, where there is what they name.

What is drawn from the description hardly ever names something that is there, so answers that say
yes would be looked at by nobody, and refusals be of what nobody could have done anyway.
"""

from typing import Any

from tests.credits.world import make_community, start
from tests.orders.shop import place, stocked
from tests.pricing.shop import schedule

LATER = "2090-01-31T09:00:00+01:00"
ORDER = {"lines": [{"sku": "BOOK", "quantity": 1}], "payment_method": "pm_card_visa"}
BODIES: dict[str, list[dict[str, Any]]] = {
    "/api/v1/campaigns": [
        {"community": "club", "text": "Hello {name}"},
        {"community": "club", "text": "On Friday.", "deadline": LATER},
        {"community": "club", "text": "Or later", "shortfall": "send_what_fits", "deadline": None},
    ],
    "/api/v1/communities": [
        {"slug": "one", "name": "One"},
        {"slug": "two", "name": "Ü & <b>", "daily_cap": 5, "unknown_policy": "resend"},
        {"slug": "three", "name": "Three", "daily_cap": None, "unknown_policy": "refund"},
    ],
    "/api/v1/communities/{slug}/credits": [{"amount": 1}, {"amount": 1_000}],
    "/api/v1/orders": [
        ORDER,
        {**ORDER, "expected_total": "10.00", "email": "anna@example.com"},
        {**ORDER, "expected_total": None, "email": None},
    ],
    "/api/v1/price-reductions": [
        {"sku": "BOOK", "percent": "12.5"},
        {"category": "Books", "percent": "10", "if_price_changed": "apply"},
        {"sku": "BOOK", "amount": "0.50", "starts_at": LATER, "expires_at": None},
    ],
}
"""Of every operation that has one."""


def a_shop() -> None:
    """What the bodies name."""
    stocked(on_hand=100)
    make_community(credits=100, members=3)


def parameters() -> dict[str, str]:
    """What stands in addresses, by the name of its parameter; new things, that nobody ended yet."""
    return {
        "sku": "BOOK",
        "slug": "club",
        "reduction_id": str(schedule().pk),
        "campaign_id": str(start().pk),
        "order_id": str(place().pk),
    }
