"""Twilio's Messages resource: who may ask, and which handler answers."""

import base64
import binascii
import hmac

from sandbox.credentials import Credentials
from sandbox.sms import errors, listing, messages
from sandbox.web import Provider, Request, Response, route

MESSAGES = "/2010-04-01/Accounts/{account}/Messages"
FAILURES = {"rate_limited": 20429, "broken": 20500, "refused": 21610, "unknown_path": 20404}


class Sms(Provider):
    """Create, fetch and list, as twilio's own client asks for them."""

    name = "sms"
    prefix = "/2010-04-01/"
    routes = (
        route("create", "POST", f"{MESSAGES}.json", messages.create),
        route("list", "GET", f"{MESSAGES}.json", listing.answer),
        route("fetch", "GET", f"{MESSAGES}/{{sid}}.json", messages.fetch),
    )

    def authenticate(self, request: Request, credentials: Credentials) -> None:
        """Basic authentication with the account's sid and token, for that account's resources."""
        expected = f"{credentials.twilio_account_sid}:{credentials.twilio_auth_token}"
        account = f"/Accounts/{credentials.twilio_account_sid}/"
        if account not in request.path or not hmac.compare_digest(
            _basic(request), expected.encode()
        ):
            raise errors.refuse(20003)

    def failure(self, kind: str) -> Response:
        """Twilio's words for it."""
        return errors.reply(FAILURES[kind])


def _basic(request: Request) -> bytes:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(encoded) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""
