"""Stripe, by its own client library. Amounts in cents; every writing call under a key of ours."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings

from orders.calls import Barred, NotNow, demand_time
from orders.providers import stripe_errors

Answer = TypeVar("Answer")
CURRENCY = "eur"
READS = 3
"""How often a reading request is tried within one attempt: it changes nothing."""

NOT_GIVEN_BACK = ("failed", "canceled")
"""How a refund ends whose money is with us again. One that is pending, or succeeded, may still come
to that, even weeks later (docs.stripe.com/refunds)."""


@lru_cache(maxsize=4)
def _client(key: str, address: str, timeout: float) -> Any:
    import stripe  # takes two seconds: only where payments are made

    # It repeats nothing by itself: what is repeated, and under which key, is ours to say.
    return stripe.StripeClient(
        key,
        base_addresses={"api": address} if address else {},
        http_client=stripe.RequestsClient(timeout=timeout),
        max_network_retries=0,
    ).v1


def client() -> Any:
    """This process's client. Raises Barred where no account is configured."""
    if not settings.SHOP.stripe_api_key:
        raise Barred("no payment provider is configured: set STRIPE_API_KEY")
    return _client(
        settings.SHOP.stripe_api_key, settings.SHOP.stripe_base_url, settings.SHOP.timeout
    )


def create_intent(*, key: str, amount: int, payment_method: str, metadata: dict[str, str]) -> Any:
    """An intent that is not confirmed and so holds nothing yet."""
    params = {
        "amount": amount,
        "currency": CURRENCY,
        "capture_method": "manual",
        "payment_method": payment_method,
        "payment_method_types": ["card"],
        "metadata": metadata,
    }
    return _ask(lambda: client().payment_intents.create(params, {"idempotency_key": key}))


def confirm_intent(*, key: str, intent: str) -> Any:
    """Hold the amount. The customer is not there to ask: what needs them is declined."""
    options = {"idempotency_key": key}
    return _ask(lambda: client().payment_intents.confirm(intent, {"off_session": True}, options))


def capture_intent(*, key: str, intent: str, amount: int) -> Any:
    """Take the held amount."""
    params = {"amount_to_capture": amount}
    return _ask(lambda: client().payment_intents.capture(intent, params, {"idempotency_key": key}))


def cancel_intent(*, key: str, intent: str) -> Any:
    """Release what is held; from then on the intent can hold nothing."""
    return _ask(lambda: client().payment_intents.cancel(intent, {}, {"idempotency_key": key}))


def create_refund(*, key: str, intent: str, amount: int, metadata: dict[str, str]) -> Any:
    """Give money back."""
    params = {"payment_intent": intent, "amount": amount, "metadata": metadata}
    return _ask(lambda: client().refunds.create(params, {"idempotency_key": key}))


def get_intent(intent: str) -> Any:
    """The intent as it is now. Raises NotNow, Barred: it cannot be read, nothing follows."""
    return _read(lambda: client().payment_intents.retrieve(intent))


def find_intents(*, order: str) -> list[Any]:
    """The intents made for an order, by their metadata. New ones may be missing for a minute."""
    query = {"query": f"metadata['order']:'{order}'", "limit": 100}
    return list(_read(lambda: client().payment_intents.search(query)).data)


def list_refunds(*, intent: str) -> list[Any]:
    """The refunds of an intent, up to date."""
    query = {"payment_intent": intent, "limit": 100}
    return list(_read(lambda: client().refunds.list(query)).data)


def given_back(refunds: Iterable[Any]) -> int:
    """How many cents these refunds gave back, or are about to."""
    return sum(one.amount for one in refunds if one.status not in NOT_GIVEN_BACK)


def _ask(request: Callable[[], Answer]) -> Answer:
    demand_time()
    return request()


def _read(request: Callable[[], Answer]) -> Answer:
    import stripe

    for left in reversed(range(READS)):
        try:
            return _ask(request)
        except stripe.StripeError as error:
            said, verdict = stripe_errors.translate(error), stripe_errors.verdict(error)
            if verdict is stripe_errors.Verdict.BARRED:
                raise said from error
            if verdict is stripe_errors.Verdict.REFUSED or not left:
                raise NotNow(f"could not look: {said}") from error
    raise AssertionError("unreachable")
