"""What the tests of payments say again and again."""

from typing import Any

VISA = "pm_card_visa"
DECLINED = "pm_card_chargeDeclined"


def intent(order: str = "7", amount: int = 1999, **more: Any) -> dict[str, Any]:
    """Parameters of an intent that belongs to an order."""
    return {"amount": amount, "currency": "eur", "metadata": {"order": order}, **more}


def charged(order: str = "7", payment_method: str = VISA, **more: Any) -> dict[str, Any]:
    """Parameters of an intent that is charged at once."""
    return intent(order, payment_method=payment_method, confirm=True, **more)


def held(order: str = "7", payment_method: str = VISA, **more: Any) -> dict[str, Any]:
    """Parameters of an intent whose amount is held until it is captured."""
    return charged(order, payment_method, capture_method="manual", **more)


def key(text: str) -> dict[str, str]:
    """The option that carries our idempotency key."""
    return {"idempotency_key": text}
