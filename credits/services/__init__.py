"""The writes of credits. Each says what a second call does."""

from credits.ledger import TooFewCredits
from credits.services.callback import UnknownAttempt, receive_callback
from credits.services.communities import KeyReused, buy_credits, change_rules, create_community
from credits.services.control import (
    NotPossible,
    cancel_campaign,
    pause_campaign,
    resume_campaign,
)
from credits.services.drive import abandon_driver, drive_campaign
from credits.services.members import (
    Imported,
    import_members,
    opt_in,
    opt_out,
)
from credits.services.send import abandon_text, send_text
from credits.services.settle import settle_text, settle_texts
from credits.services.start import start_campaign

__all__ = [
    "Imported",
    "KeyReused",
    "NotPossible",
    "TooFewCredits",
    "UnknownAttempt",
    "abandon_driver",
    "abandon_text",
    "buy_credits",
    "cancel_campaign",
    "change_rules",
    "create_community",
    "drive_campaign",
    "import_members",
    "opt_in",
    "opt_out",
    "pause_campaign",
    "receive_callback",
    "resume_campaign",
    "send_text",
    "settle_text",
    "settle_texts",
    "start_campaign",
]
