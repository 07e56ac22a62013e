"""The doorways through which workers reach the services."""

from datetime import timedelta

import outbox
from credits import services

# Texts are bulk work: a provider that hangs holds up these workers and no others.


@outbox.handler(
    "credits.drive_campaign",
    queue="default",
    retry=outbox.Retry(limit=None, cap=timedelta(seconds=30)),  # a campaign is never given up
    on_abandoned=services.abandon_driver,
)
def drive_campaign(*, campaign_id: str, turn: int) -> None:
    """Hand out the next texts of a campaign, or end it."""
    services.drive_campaign(campaign_id=campaign_id, turn=turn)


@outbox.handler(
    "credits.send_text",
    queue="bulk",
    deadline=timedelta(seconds=10),  # of the claim alone: the call comes after it
    retry=outbox.Retry(limit=20, cap=timedelta(seconds=30)),
    on_abandoned=services.abandon_text,
)
def send_text(*, text_id: int) -> None:
    """Claim a text and, once that is committed, send it."""
    services.send_text(text_id=text_id)


@outbox.handler(
    "credits.settle_text",
    queue="bulk",
    batch_size=50,  # every text has such a message, and few still need it when it is due
    retry=outbox.Retry(limit=None, cap=timedelta(minutes=5)),  # until it is settled
)
def settle_text(messages: list[outbox.Message]) -> None:
    """Find out what became of texts whose outcome is unknown."""
    services.settle_texts({one.args["text_id"]: one.args["look"] for one in messages})
