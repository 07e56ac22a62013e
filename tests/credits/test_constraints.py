"""Each constraint refuses whoever goes around the services."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from credits.models import (
    Campaign,
    Community,
    CreditEntry,
    DailyCount,
    Finding,
    Member,
    TextEvent,
    TextMessage,
)
from tests.credits.world import make_community, member, only_text, phone, start

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def campaign() -> Campaign:
    make_community(credits=5, members=1)
    return start()


def update(model: Any, **columns: Any) -> Callable[[], Any]:
    return lambda: model.objects.update(**columns)


def entry(**columns: Any) -> CreditEntry:
    wanted = {"operation": "x", "kind": "purchase", "amount": 1, "actor": "t", **columns}
    return CreditEntry.objects.create(community=Community.objects.get(), **wanted)


def text(**columns: Any) -> TextMessage:
    wanted = {"phone": phone(9), "body": "x", "segments": 1, **columns}
    return TextMessage.objects.create(campaign=Campaign.objects.get(), member=member(), **wanted)


def event(**columns: Any) -> TextEvent:
    return TextEvent.objects.create(text=only_text(), **columns)


TOKEN = uuid4()
REFUSED: list[tuple[str, Callable[[], Any]]] = [
    ("community_credits_never_negative", update(Community, credits=-1)),
    ("community_held_never_negative", update(Community, held=-1)),
    ("community_policy_is_known", update(Community, unknown_policy="guess")),
    ("community_once_per_slug", lambda: Community.objects.create(slug="club", name="x")),
    (
        "member_once_per_community_and_phone",
        lambda: Member.objects.create(community=Community.objects.get(), name="x", phone=phone(1)),
    ),
    ("member_phone_is_e164", update(Member, phone="0151 23")),
    ("daily_count_never_negative", lambda: count(-1)),
    ("daily_count_once_per_community_and_day", lambda: [count(1), count(1)]),
    ("credit_entry_once_per_operation", lambda: [entry(), entry()]),
    ("credit_entry_has_the_sign_of_its_kind", lambda: entry(amount=-1)),
    ("credit_entry_has_the_sign_of_its_kind", lambda: entry(amount=0)),
    ("credit_entry_names_its_campaign", lambda: entry(kind="release")),
    ("campaign_once_per_operation", lambda: copy_of_campaign()),
    ("campaign_status_is_known", update(Campaign, status="odd", finished_at=NOW)),
    ("campaign_shortfall_is_known", update(Campaign, shortfall="odd")),
    ("campaign_has_finish_time_when_finished", update(Campaign, status="finished")),
    ("campaign_counts_add_up", update(Campaign, opted_out=9)),
    ("text_once_per_campaign_and_phone", lambda: text(phone=phone(1))),
    ("text_once_per_provider_id", lambda: [text(sid="a"), text(sid="a", phone=phone(8))]),
    ("text_costs_something", lambda: text(segments=0)),
    ("text_state_is_known", update(TextMessage, state="odd", finished_at=NOW)),
    ("text_has_a_lease_while_it_is_being_sent", update(TextMessage, state="sending")),
    ("text_says_why_it_was_not_sent", update(TextMessage, state="failed", finished_at=NOW)),
    ("text_has_finish_time_when_settled", update(TextMessage, state="sent")),
    (
        "text_attempt_once_per_token",
        lambda: [event(kind="sending", token=TOKEN), event(kind="sending", token=TOKEN)],
    ),
    (
        "text_callback_once_per_status",
        lambda: [event(kind="callback", token=TOKEN, sid="s", status="sent") for _ in "12"],
    ),
    (
        "finding_once_per_text_and_provider_id",
        lambda: [
            Finding.objects.create(text=only_text(), kind="sent_twice", sid="s", evidence="e")
            for _ in "12"
        ],
    ),
    ("creditentry is append-only", lambda: CreditEntry.objects.update(amount=7)),
    ("creditentry is append-only", lambda: CreditEntry.objects.all().delete()),
]


def count(texts: int) -> DailyCount:
    return DailyCount.objects.create(community=Community.objects.get(), day=NOW.date(), texts=texts)


def copy_of_campaign() -> Campaign:
    known = Campaign.objects.get()
    return Campaign.objects.create(
        community=known.community, operation_id=known.operation_id, text="x", shortfall="refuse"
    )


@pytest.mark.parametrize(("name", "act"), REFUSED, ids=[name for name, _ in REFUSED])
def test_refused(name: str, act: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        act()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("delivered", "sent"),
        ("sent", "queued"),
        ("sent", "unknown"),
        ("failed", "sent"),
        ("skipped", "queued"),
        ("failed", "delivered"),
    ],
)
def test_a_settled_text_never_goes_back(was: str, becomes: str) -> None:
    TextMessage.objects.update(state=was, reason="r", finished_at=NOW)
    with pytest.raises(IntegrityError, match=f"was {was} cannot become {becomes}"):
        TextMessage.objects.update(state=becomes)


def test_every_constraint_is_tested() -> None:
    from django.apps import apps

    models = apps.get_app_config("credits").get_models()
    named = {one.name for model in models for one in model._meta.constraints}
    assert named == {name for name, _ in REFUSED if "append-only" not in name}
