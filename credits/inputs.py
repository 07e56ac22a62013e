"""What people and programs may ask for: one place for API, command line and form.

Nothing here asks the database. Every refusal says what to do.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from credits import wording
from intake.moments import moment, shown

Value = TypeVar("Value")

LONGEST_TEXT = 1_600
"""Characters that Twilio accepts in one text (its error 21617)."""

MOST_CREDITS = 1_000_000
"""Credits that one purchase may bring; a balance stays far from the column's limit."""

LONGEST_KEY = 500
"""Room for a client's key, with whom and what it is for before it."""

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
BROKEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
BROKEN_IN_TEXT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # may have line breaks
SHORTFALLS = ("refuse", "send_what_fits")
POLICIES = ("refund", "resend")


class InvalidInput(ValueError):
    """What was asked for cannot be done, and nothing was changed.

    `errors` maps a field's name to what is wrong with it and what to do.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(f"{field}: {advice}" for field, advice in errors.items()))
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class CommunityDraft:
    """What a community shall be."""

    slug: str
    name: str
    daily_cap: int | None
    unknown_policy: str


@dataclass(frozen=True, kw_only=True)
class CampaignRequest:
    """A well-formed request for a campaign; the deadline is in UTC."""

    community: str
    text: str
    shortfall: str
    deadline: datetime | None


def community_draft(
    *, slug: str, name: str, daily_cap: int | None = None, unknown_policy: str = "refund"
) -> CommunityDraft:
    """Read what a community shall be. Raises InvalidInput with all its faults."""
    form = Form()
    draft = CommunityDraft(
        slug=form.read("slug", slug, community_slug) or "",
        name=form.read("name", name, line) or "",
        daily_cap=None if daily_cap is None else form.read("daily_cap", daily_cap, cap),
        unknown_policy=form.read("unknown_policy", unknown_policy, policy) or "refund",
    )
    form.refuse()
    return draft


def campaign_request(
    *,
    community: str,
    text: str,
    shortfall: str = "refuse",
    deadline: datetime | str | None = None,
) -> CampaignRequest:
    """Read a request for a campaign. Raises InvalidInput with all its faults."""
    form = Form()
    request = CampaignRequest(
        community=form.read("community", community, line) or "",
        text=form.read("text", text, message_text) or "",
        shortfall=form.read("shortfall", shortfall, how_to_meet_shortfall) or "refuse",
        deadline=form.read("deadline", deadline, moment) if deadline else None,
    )
    form.refuse()
    return request


class Form:
    """Collects the faults of several fields, so that one answer names them all."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def read(self, field: str, value: object, parse: Callable[[object], Value]) -> Value | None:
        """The value as `parse` reads it; None where it is refused."""
        try:
            return parse(value)
        except ValueError as refusal:
            self.errors[field] = str(refusal)
            return None

    def refuse(self) -> None:
        """Raise InvalidInput if there was any fault."""
        if self.errors:
            raise InvalidInput(self.errors)


def community_slug(value: object) -> str:
    """A slug that can stand in an address. Raises ValueError."""
    if not isinstance(value, str) or not SLUG.fullmatch(value):
        raise ValueError(
            f"{shown(value)} is no slug; write up to 64 lower-case letters, digits and hyphens, "
            'such as "book-club".'
        )
    return value


def line(value: object, longest: int = 200) -> str:
    """One line of text, without the blanks around it. Raises ValueError."""
    written = value.strip() if isinstance(value, str) else ""
    if not written:
        raise ValueError("is empty; give it a text.")
    if BROKEN.search(written):
        raise ValueError("holds line breaks, control or broken characters; remove them.")
    if len(written) > longest:
        raise ValueError(f"has {len(written)} characters; shorten it to {longest}.")
    return written


def key(value: object) -> str:
    """A key that names an operation. Raises InvalidInput: it stands in no form."""
    try:
        return line(value, longest=LONGEST_KEY)
    except ValueError as refusal:
        raise InvalidInput({"key": str(refusal)}) from None


def message_text(value: object) -> str:
    """A campaign's text, whose fields are known. Raises ValueError."""
    text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
    if not text:
        raise ValueError("is empty; write what the members shall read.")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"has {len(text):,} characters; shorten it to {LONGEST_TEXT:,}.")
    if BROKEN_IN_TEXT.search(text):
        raise ValueError("holds control or broken characters; remove them.")
    if not wording.read(text, community="-").for_name("-").strip():
        raise ValueError("is empty; write what the members shall read.")
    return text


def amount_of_credits(value: object) -> int:
    """A number of credits to buy. Raises ValueError."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_CREDITS:
        raise ValueError(
            f"{shown(value)} cannot be bought; give a whole number from 1 to {MOST_CREDITS}."
        )
    return value


def cap(value: object) -> int:
    """Texts a day. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000_000:
        raise ValueError(f"{shown(value)} is no cap; give a whole number from 0 to 10000000.")
    return value


def policy(value: object) -> str:
    """What becomes of a text whose outcome stays unknown. Raises ValueError."""
    return _one_of(value, POLICIES, "policy")


def how_to_meet_shortfall(value: object) -> str:
    """What to do where the credits do not reach everybody. Raises ValueError."""
    return _one_of(value, SHORTFALLS, "way to meet a shortfall")


def _one_of(value: object, known: tuple[str, ...], what: str) -> str:
    if value not in known:
        raise ValueError(f"{shown(value)} is no {what}; choose {' or '.join(known)}.")
    return str(value)
