"""Communities, campaigns and a provider for the races of credits, made through its services."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch
from uuid import uuid4

from credits import providers, services, sums
from credits.csv_lines import MemberLine
from credits.models import Campaign, Community, TextMessage
from credits.quota import rate
from races.explorer import point

SLUG = "club"

ROOM_FOR_ONE = {"%(cap)s > 0": "it refuses all under a cap of nothing; here the cap is more"}
"""What the daily cap may lack where not all have room."""

ROOM_FOR_ALL = {
    **ROOM_FOR_ONE,
    "taken.texts <": "there is room for all here; it refuses who comes too late "
    "(two_accounts_stay_within_one_quota)",
}
"""The same where all have."""

sent: list[str] = []
"""What the provider really sent: it remembers, whoever dies."""


def found(*, paid: int = 0, members: int = 1) -> None:
    """A community with credits and members."""
    services.create_community(slug=SLUG, name="The club")
    if paid:
        services.buy_credits(slug=SLUG, amount=paid, actor="race")
    lines = [
        MemberLine(line=number, name="Anna", phone=f"+49151{number:08d}")
        for number in range(1, members + 1)
    ]
    services.import_members(lines, slug=SLUG)


def campaign(*, paid: int = 1) -> None:
    """A community whose campaign has one text to send."""
    found(paid=paid)
    services.start_campaign(community=SLUG, text="Hello", actor="race")


def drafted() -> Campaign:
    """A campaign that holds no credits yet."""
    return Campaign.objects.create(
        community=community(),
        operation_id=uuid4(),
        text="Hello",
        shortfall=Campaign.Shortfall.REFUSE,
        created_by="race",
    )


def community() -> Community:
    """The one that there is."""
    return Community.objects.get()


def text() -> TextMessage:
    """The one that there is."""
    return TextMessage.objects.get()


def forget_provider() -> None:
    """Before each schedule."""
    sent.clear()


def call_provider() -> str:
    """One text more, whoever asks and however often."""
    point("the provider sends a text", "provider")
    sent.append("text")
    return f"SM{len(sent)}"


@contextmanager
def provider() -> Iterator[None]:
    """Our own sender, with this provider behind it and no rate in front of it."""

    def answer(**_: str) -> providers.Outcome:
        return providers.Accepted(call_provider())

    with (
        patch.object(providers, "send", answer),
        patch.object(rate, "ask", lambda longest: rate.Grant(0.0, taken=True)),
    ):
        yield


def assert_sums_agree() -> None:
    """Credits are the sum of the entries, and what is held is what open texts cost."""
    wrong = sums.differing_communities()
    assert not wrong, f"the sums do not agree: {wrong[0]}"
