"""The tables of credits. Each constraint's name is the sentence that it enforces."""

from credits.models.campaigns import Campaign
from credits.models.communities import Community, DailyCount, Member
from credits.models.ledger import CreditEntry
from credits.models.texts import Finding, TextEvent, TextMessage

__all__ = [
    "Campaign",
    "Community",
    "CreditEntry",
    "DailyCount",
    "Finding",
    "Member",
    "TextEvent",
    "TextMessage",
]
