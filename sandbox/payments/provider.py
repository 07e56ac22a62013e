"""Stripe's API: who may ask, under which key, and which handler answers."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.credentials import Credentials
from sandbox.payments import (
    errors,
    idempotency,
    intents,
    listing,
    objects,
    refunds,
    search,
    webhooks,
)
from sandbox.web import Call, Provider, Request, Response, route

INTENTS = "/v1/payment_intents"
FAILURES = {
    "rate_limited": errors.reply(
        429, "invalid_request_error", "Too many requests in a short time.", code="rate_limit"
    ),
    "broken": errors.reply(500, "api_error", "An unknown error occurred."),
    "refused": errors.reply(400, "invalid_request_error", "This request is refused."),
    "unknown_path": errors.reply(404, "invalid_request_error", "Unrecognized request URL."),
}


class Payments(Provider):
    """Intents, refunds and events, as stripe's own client asks for them."""

    name = "payments"
    prefix = "/v1/"
    routes = (
        route("create", "POST", INTENTS, intents.create),
        route("list", "GET", INTENTS, listing.intents),
        route("search", "GET", f"{INTENTS}/search", search.intents),
        route("retrieve", "GET", f"{INTENTS}/{{intent}}", intents.retrieve),
        route("update", "POST", f"{INTENTS}/{{intent}}", intents.update),
        route("confirm", "POST", f"{INTENTS}/{{intent}}/confirm", intents.confirm),
        route("capture", "POST", f"{INTENTS}/{{intent}}/capture", intents.capture),
        route("cancel", "POST", f"{INTENTS}/{{intent}}/cancel", intents.cancel),
        route("refund", "POST", "/v1/refunds", refunds.create),
        route("list_refunds", "GET", "/v1/refunds", listing.refunds),
        route("retrieve_refund", "GET", "/v1/refunds/{refund}", refunds.retrieve),
        route("list_events", "GET", "/v1/events", listing.events),
        route("retrieve_event", "GET", "/v1/events/{event}", listing.event),
    )

    def __init__(self) -> None:
        self._keys = idempotency.KeysInUse()

    def authenticate(self, request: Request, credentials: Credentials) -> None:
        """The secret key as a bearer token."""
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {credentials.stripe_api_key}".encode()):
            raise errors.refuse("Invalid API Key provided.", status=401)

    def failure(self, kind: str) -> Response:
        """Stripe's words for it."""
        return FAILURES[kind]

    @contextmanager
    def admit(self, request: Request) -> Iterator[None]:
        """Two requests at once under one key: the second is refused with 409."""
        key = idempotency.key_of(request)
        if key is None:
            yield
            return
        with self._keys.hold(key):
            yield

    def carry_out(self, call: Call, effect: Callable[[], Response]) -> Response:
        """Run the effect once per idempotency key."""
        with webhooks.sending(call):
            return _with_request_id(idempotency.once(call, effect))


def _with_request_id(response: Response) -> Response:
    headers = {"Request-Id": objects.new_id("req"), **response.headers}
    return Response(response.status, response.body, headers)
