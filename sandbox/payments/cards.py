"""Stripe's payment methods for tests (docs.stripe.com/testing), and how charging them ends."""

import re
from dataclasses import dataclass

from sandbox.payments import errors


@dataclass(frozen=True)
class Decline:
    """Why the bank said no."""

    code: str
    decline_code: str
    message: str


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


DECLINES = {
    "chargeDeclined": _declined("generic_decline"),
    "chargeCustomerFail": _declined("generic_decline"),
    "chargeDeclinedInsufficientFunds": _declined(
        "insufficient_funds", "Your card has insufficient funds."
    ),
    "chargeDeclinedLostCard": _declined("lost_card"),
    "chargeDeclinedStolenCard": _declined("stolen_card"),
    "chargeDeclinedFraudulent": _declined("fraudulent"),
    "chargeDeclinedVelocityLimitExceeded": _declined("card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": Decline("expired_card", "expired_card", "Your card has expired."),
    "chargeDeclinedIncorrectCvc": Decline(
        "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
    ),
    "chargeDeclinedProcessingError": Decline(
        "processing_error", "processing_error", "An error occurred while processing your card."
    ),
}
AUTHENTICATE = {"authenticationRequired", "threeDSecureRequired", "threeDSecure2Required"}
NEEDS_AUTHENTICATION = Decline(
    "authentication_required", "authentication_required", "This payment needs authentication."
)
GOOD = {
    *("visa", "visa_debit", "mastercard", "mastercard_debit", "mastercard_prepaid", "amex"),
    *("discover", "diners", "jcb", "unionpay", "us", "gb", "de", "fr", "bypassPending"),
    *("refundFail", "pendingRefund"),
}
LATE_REFUNDS = {"pm_card_refundFail": "failed", "pm_card_pendingRefund": "pending"}


def check(payment_method: str) -> str:
    """The payment method, if Stripe knows it. Raises Refusal otherwise; card numbers included."""
    if re.search(r"\d{12,}", re.sub(r"[ -]", "", payment_method)):
        # The number is not repeated: it must not reach anybody's log.
        raise errors.refuse(
            "A card number is no payment method. Collect it with Stripe.js or a test token.",
            param="payment_method",
        )
    name = _name(payment_method)
    if name not in GOOD | AUTHENTICATE | DECLINES.keys():
        raise errors.no_such("PaymentMethod", payment_method, param="payment_method", status=400)
    return payment_method


def decline(payment_method: str, *, off_session: bool) -> Decline | None:
    """Why charging it fails, or None. Without a customer to ask, authentication is a decline."""
    if off_session and needs_authentication(payment_method):
        return NEEDS_AUTHENTICATION
    return DECLINES.get(_name(payment_method))


def needs_authentication(payment_method: str) -> bool:
    """Whether the customer must act first."""
    return _name(payment_method) in AUTHENTICATE


def _name(payment_method: str) -> str:
    name = payment_method.removeprefix("pm_card_") if payment_method.startswith("pm_card_") else ""
    return name.removeprefix("visa_") if name.startswith("visa_charge") else name
