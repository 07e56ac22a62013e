"""What each error of Stripe's client library says about the call.

Keyed by the classes' names, since importing the library takes two seconds and only workers need it.
A class that a later release adds is taken for UNKNOWN until somebody puts it here.
"""

from enum import StrEnum
from typing import Any

from orders.calls import Barred, NotNow, Refused, Unknown


class Verdict(StrEnum):
    """What became of the call."""

    REFUSED = "refused"
    NOT_NOW = "not now"
    BARRED = "not let in"
    UNKNOWN = "unknown"


R, N, B, U = Verdict.REFUSED, Verdict.NOT_NOW, Verdict.BARRED, Verdict.UNKNOWN

VERDICTS = {
    # The customer's bank or our request: a definite no.
    "CardError": R,
    "InvalidRequestError": R,
    # Nothing was carried out; later it may be.
    "RateLimitError": N,
    "QuotaExceededError": N,
    # Nor here, and asking again does not help: a wrong key or a missing right is ours to mend.
    "AuthenticationError": B,
    "PermissionError": B,
    # The request may have been carried out: 5xx, 409 (it is just being), a cut connection.
    "APIError": U,
    "APIConnectionError": U,
    "IdempotencyError": U,  # a call was made under this key, with other parameters
    "StripeError": U,
    "StripeErrorWithParamCode": U,
    # Of the second version of the API, each a definite no.
    "AlreadyCanceledError": R,
    "BlockedByStripeError": R,
    "CannotProceedError": R,
    "CapabilityNotEnabledError": R,
    "ControlledByAlternateResourceError": R,
    "FeatureNotEnabledError": R,
    "FinancialAccountNotOpenError": R,
    "FxQuoteNeedsRefreshError": R,
    "InsufficientFundsError": R,
    "InvalidPaymentMethodError": R,
    "InvalidPayoutMethodError": R,
    "InvalidVaultedCredentialError": R,
    "NotCancelableError": R,
    "RecipientNotNotifiableError": R,
    "TemporarySessionExpiredError": R,
    "VerificationAttemptFailedError": R,
    "VerificationExpiredError": R,
    "VerificationNotInitiatedError": R,
    # Never of a payment: they come from webhooks and from connecting accounts.
    "SignatureVerificationError": R,
    "OAuthError": U,
    "InvalidClientError": B,
    "InvalidGrantError": R,
    "InvalidScopeError": R,
    "UnsupportedGrantTypeError": R,
    "UnsupportedResponseTypeError": R,
}
RAISED = {R: Refused, N: NotNow, B: Barred, U: Unknown}


def verdict(error: Any) -> Verdict:
    """What an error of the library says; the nearest class of its own family counts."""
    for kind in type(error).__mro__:
        if kind.__name__ in VERDICTS:
            return VERDICTS[kind.__name__]
    return Verdict.UNKNOWN


def translate(error: Any) -> Exception:
    """The same error in our own words. Stripe's own never hold a card number."""
    said = getattr(error, "user_message", None) or str(error)
    words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return RAISED[verdict(error)](words[:300])


def is_stored_failure(error: Any) -> bool:
    """Whether this is a replayed 5xx: under this key Stripe will never say anything else.

    It also means that the first request has come to its end: what it did can be looked up.
    """
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    replayed = headers.get("idempotent-replayed") == "true"
    return replayed and (error.http_status or 0) >= 500


def is_wrong_state(error: Any) -> bool:
    """Whether the object was in another state than we thought: a look at it says more."""
    return error.code in ("payment_intent_unexpected_state", "charge_already_refunded")
