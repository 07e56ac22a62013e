"""Communities, members and campaigns for tests, made as users make them: through the services."""

from typing import Any

from django.db import connection

from credits import services, sums
from credits.csv_lines import MemberLine
from credits.models import Campaign, Community, Member, TextMessage
from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.models import Message

HANDLERS = ("credits.drive_campaign", "credits.send_text", "credits.settle_text")


def phone(number: int) -> str:
    """A valid German mobile number."""
    return f"+49151{number:08d}"


def make_community(
    slug: str = "club", *, credits: int = 0, members: int = 0, **rules: Any
) -> Community:
    """A community with bought credits and members "Member 1" and so on."""
    services.create_community(slug=slug, name=f"The {slug}", **rules)
    if credits:
        services.buy_credits(slug=slug, amount=credits, actor="test")
    if members:
        add_members(slug, members)
    return Community.objects.get(slug=slug)


def add_members(slug: str, count: int) -> None:
    """So many members, with numbers from 1."""
    lines = [
        MemberLine(line=number + 1, name=f"Member {number}", phone=phone(number))
        for number in range(1, count + 1)
    ]
    services.import_members(lines, slug=slug)


def start(slug: str = "club", text: str = "Hello", **more: Any) -> Campaign:
    """Start a campaign."""
    return services.start_campaign(community=slug, text=text, actor="test", **more)


def work(*names: str, rounds: int = 60) -> None:
    """Let the real consumer run what is or will be due, in this process, until nothing is."""
    for _ in range(rounds):
        make_due()
        tallies = [
            consumer.consume(handlers.get(name), [], Delivery.here()) for name in names or HANDLERS
        ]
        if not any(tally.done or tally.failed for tally in tallies):
            return
    raise AssertionError("there is still something to do")


def make_due() -> None:
    """Let the time of every waiting message have come."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_message SET due_at = now() - interval '1 second' WHERE state = 'pending'"
        )


def end_leases() -> None:
    """Let every lease have run out long ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE credits_textmessage SET lease_until = now() - interval '1 hour',"
            " sending_at = sending_at - interval '1 minute' WHERE lease_until IS NOT NULL"
        )


def states(campaign: Campaign) -> dict[str, int]:
    """How many texts of a campaign are in each state."""
    counts: dict[str, int] = {}
    for state in campaign.texts.values_list("state", flat=True):
        counts[str(state)] = counts.get(str(state), 0) + 1
    return counts


def balance(slug: str = "club") -> tuple[int, int]:
    """(credits, held) of a community, after a look at whether all numbers agree."""
    assert sums.differing_communities() == []
    community = Community.objects.get(slug=slug)
    return community.credits, community.held


def only_text() -> TextMessage:
    """The one text that there is."""
    return TextMessage.objects.get()


def member(number: int = 1) -> Member:
    """A member by number."""
    return Member.objects.get(phone=phone(number))


def waiting(handler: str) -> int:
    """How many messages of a handler wait."""
    return Message.objects.filter(handler=handler, state="pending").count()


def another_session() -> Any:
    """A session of its own on the same database, as a context manager."""
    current = connection.connection
    return type(current).connect(
        current.info.dsn, password=connection.settings_dict["PASSWORD"], autocommit=True
    )
