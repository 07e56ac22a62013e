"""The provider of text messages, by Twilio's own client: send one, or look for one in the list.

Creating a message has no idempotency key (twilio.com/docs/messaging/api/message-resource), so what
matters of an error is one thing: may the text have gone out? The table below says so.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import requests
from django.conf import settings
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

if TYPE_CHECKING:
    from twilio.rest import Client

CLOCKS_APART = timedelta(minutes=5)
"""How far the provider's clock and the database's may differ before a listing looks past a text."""

UNSUBSCRIBED = 21610
"""The member has told the provider to stop: an opt-out that we did not know of."""


@dataclass(frozen=True)
class Accepted:
    """The provider has the text, under this id."""

    sid: str


@dataclass(frozen=True)
class Refused:
    """The provider will never send it. Nothing went out."""

    reason: str
    code: int | None = None


@dataclass(frozen=True)
class Postponed:
    """Nothing went out; later it may."""

    reason: str
    code: int | None = None


@dataclass(frozen=True)
class Unknown:
    """Nobody can say whether it went out."""

    reason: str


Outcome = Accepted | Refused | Postponed | Unknown


class OutOfReach(Exception):
    """The provider's list could not be read; nothing follows from that."""


def send(*, to: str, body: str, callback: str) -> Outcome:
    """Ask the provider to send one text. Call it once per attempt, outside any transaction.

    A second call sends a second text. Takes at most twice `TEXT_TIMEOUT` (connecting, reading).
    """
    if not settings.TEXTS.account:
        return Postponed("no provider is configured: set TWILIO_ACCOUNT_SID and what belongs to it")
    more = {"status_callback": callback} if callback else {}
    try:
        message = client().messages.create(to=to, from_=settings.TEXTS.sender, body=body, **more)
        return Accepted(message.sid) if message.sid else Unknown("a reply without an id")
    except Exception as error:
        return classify(error)


def find(*, to: str, body: str, since: datetime, until: datetime) -> Iterator[str]:
    """The ids of texts in the provider's list that may be this one, oldest first.

    Between `since` and `until` it was called for, if ever. Raises OutOfReach.
    """
    earliest, latest = since - CLOCKS_APART, until + CLOCKS_APART
    try:
        listed = client().messages.list(to=to, from_=settings.TEXTS.sender, limit=1_000)
    except Exception as error:
        raise OutOfReach(_text(error)) from error
    for message in reversed(listed):  # it lists the newest first
        created = message.date_created
        if message.body == body and created and earliest <= created <= latest:
            yield str(message.sid)


def classify(error: Exception) -> Outcome:
    """What an error of the client says about the text.

    | error | outcome |
    |---|---|
    | 429; 401 and 403 (our account is not let in) | postponed: nothing went out |
    | any other 4xx but 408, such as 21211 or 21610 | refused: nothing ever will |
    | no connection was made (refused, no such host, connect time-out) | postponed |
    | 5xx, 408, read time-out, connection cut, unreadable reply, anything else | unknown |
    """
    from twilio.base.exceptions import TwilioRestException

    if isinstance(error, TwilioRestException):
        return _classify_status(error.status, error.code, error.msg)
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return Postponed(_text(error))
    return Unknown(_text(error))


@lru_cache(maxsize=1)
def client() -> "Client":
    """This process's client. Each call makes a connection of its own: one that is kept and that
    the server has just closed looks like a reply that was lost."""
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client  # takes a second: only where texts are sent

    # It logs each request and reply in a dozen lines; what matters of them is in the text's story.
    logging.getLogger("twilio.http_client").setLevel(logging.WARNING)
    made = Client(
        settings.TEXTS.account,
        settings.TEXTS.secret,
        http_client=TwilioHttpClient(timeout=settings.TEXTS.timeout, pool_connections=False),
    )
    if settings.TEXTS.base_url:
        made.api.base_url = settings.TEXTS.base_url
    return made


def _classify_status(status: int, code: int | None, message: str) -> Outcome:
    reason = f"{status}: {message}"[:200]
    if status in (401, 403, 429):
        return Postponed(reason, code)
    if 400 <= status < 500 and status != 408:
        return Refused(reason, code)
    return Unknown(reason)


def _never_connected(error: Exception) -> bool:
    """Whether the request cannot have left, since there was no connection for it."""
    inner = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    return isinstance(cause, NewConnectionError | NameResolutionError)


def _text(error: Exception) -> str:
    """The error's class: its words may hold the recipient's number."""
    return f"no usable answer ({type(error).__name__})"
