"""What the database lets each of our roles do. Nothing is allowed but what stands here.

Three roles: the owner migrates and nothing else; `WEB` serves requests; `WORKER` runs workers,
relay and beat. Neither of the two owns a table, so neither can alter one, disable its triggers or
truncate it; and what has happened can be added to by both and rewritten by none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db.models import Model

WEB, WORKER = "onceproof_web", "onceproof_worker"
ROLES = (WEB, WORKER)

#: What happened to prices, credits, texts and money, and who did what: written once, for ever.
LEDGERS = frozenset(
    {
        "pricing.PriceChange",
        "credits.CreditEntry",
        "credits.TextEvent",
        "orders.PaymentEntry",
        "orders.PaymentEvent",
        "outbox.DeskAct",
        "admin.LogEntry",
    }
)
#: Written once as well; they go with what they tell of, when its time is over.
STORIES = frozenset({"outbox.Event", "outbox.FindingAct"})
#: Rows whose time is over are deleted: the outbox's own, and what the race lab plays with.
PASSING = frozenset(
    {
        "outbox.Message",
        "outbox.IdempotencyKey",
        "outbox.Run",
        "outbox.StoredAnswer",
        "outbox.Minute",
        "outbox.Pause",
        "outbox.Reconciliation",
        "outbox.Finding",
    }
)
PASSING_APPS = frozenset({"races"})
#: People, their sessions and tokens: none of a worker's business.
PEOPLE_APPS = frozenset({"auth", "accounts", "sessions", "admin"})
#: The schedules, which beat writes and the admin site edits.
SCHEDULE_APPS = frozenset({"django_celery_beat"})


@dataclass(frozen=True)
class Right:
    """What a role may do to a table."""

    table: str
    privileges: tuple[str, ...]


def rights(role: str) -> list[Right]:
    """Every table of ours on which the role may do anything."""
    found = (Right(model._meta.db_table, tuple(_privileges(role, model))) for model in models())
    return [right for right in found if right.privileges]


def models() -> list[type[Model]]:
    """The models of all tables, those between two others included."""
    return [one for one in apps.get_models(include_auto_created=True) if one._meta.managed]


def _privileges(role: str, model: type[Model]) -> Iterator[str]:
    name, app = model._meta.label, model._meta.app_label
    if role == WORKER and app in PEOPLE_APPS:
        return
    yield from ("SELECT", "INSERT")
    if name not in LEDGERS | STORIES:
        yield "UPDATE"
    if name in LEDGERS:
        return
    if name in PASSING | STORIES or app in PASSING_APPS | PEOPLE_APPS | SCHEDULE_APPS:
        yield "DELETE"
