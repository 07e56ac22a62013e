"""The provider's own list of texts, read in steps: what it says it has, beside what we say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from credits import providers
from credits.providers import OutOfReach

Value = TypeVar("Value")

AT_ONCE = 1_000
"""Texts in one answer, the most that Twilio gives."""

TRIES = 3
"""Requests until the list counts as out of reach: a single fault is no reason to ask a person."""


@dataclass(frozen=True)
class Listed:
    """A text that the provider has."""

    sid: str
    phone: str
    body: str
    status: str
    created_at: datetime


@dataclass(frozen=True)
class Place:
    """Where a page of the list begins; the newest texts come first."""

    number: int = 0
    token: str = ""


@dataclass(frozen=True)
class ListPage:
    """Some texts of the list, and where the next ones are; None: these were the last."""

    texts: list[Listed]
    next: Place | None


def read(place: Place, *, since: datetime) -> ListPage:
    """One page of the texts that went out under our number since then. Raises OutOfReach.

    Takes at most twice `TEXT_TIMEOUT` for each of three tries.
    """
    page = _ask(lambda: _page(place, since))
    found = [
        Listed(one.sid, one.to, one.body, one.status, one.date_created)
        for one in page
        if one.date_created
    ]
    return ListPage(found, _place_of(page.next_page_url))


def has(sid: str) -> bool:
    """Whether the provider knows this text at all. Raises OutOfReach."""
    from twilio.base.exceptions import TwilioRestException

    def fetch() -> bool:
        try:
            providers.client().messages(sid).fetch()
        except TwilioRestException as error:
            if error.status == 404:
                return False
            raise
        return True

    return _ask(fetch)


def _page(place: Place, since: datetime) -> Any:
    if not place.token:
        return providers.client().messages.page(
            from_=settings.TEXTS.sender, date_sent_after=since, page_size=AT_ONCE
        )
    return providers.client().messages.page(
        from_=settings.TEXTS.sender,
        date_sent_after=since,
        page_size=AT_ONCE,
        page_number=place.number,
        page_token=place.token,
    )


def _place_of(url: str | None) -> Place | None:
    if not url:
        return None
    query = parse_qs(urlsplit(url).query)
    return Place(int(query["Page"][0]), query["PageToken"][0])


def _ask(question: Callable[[], Value]) -> Value:
    for left in reversed(range(TRIES)):
        try:
            return question()
        except Exception as error:
            if not left:
                raise OutOfReach(type(error).__name__) from error
    raise AssertionError
