"""Starting: all texts and their credits, or nothing; and what two at once do."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credits import services
from credits.inputs import InvalidInput
from credits.models import Campaign, Community, CreditEntry, Member, TextMessage
from credits.services import start as start_module
from outbox.models import Message
from tests.credits.world import add_members, balance, make_community, member, phone, start
from tests.pricing.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def nothing_was_written() -> bool:
    kept = (Campaign, TextMessage, Message)
    return not any(model.objects.exists() for model in kept)


def test_all_members_get_a_text_and_the_credits_are_held() -> None:
    make_community(credits=10, members=4)
    campaign = start(text="Dear {name}, {{yes}}")

    bodies = campaign.texts.order_by("pk").values_list("phone", "body", "segments")
    assert list(bodies) == [(phone(n), f"Dear Member {n}, {{yes}}", 1) for n in range(1, 5)]
    assert (campaign.members, campaign.opted_out, campaign.not_reached) == (4, 0, 0)
    assert balance() == (6, 4)
    assert CreditEntry.objects.get(kind="hold").operation == f"campaign:{campaign.pk}:hold"


def test_too_few_credits_change_nothing_and_say_how_many_are_missing() -> None:
    make_community(credits=3, members=10)
    with pytest.raises(services.TooFewCredits) as refusal:
        start()

    assert refusal.value.missing == 7
    assert nothing_was_written()
    assert balance() == (3, 0)


def test_as_many_as_the_credits_reach_in_order_of_joining() -> None:
    make_community(credits=3, members=10)
    campaign = start(shortfall="send_what_fits")

    assert list(campaign.texts.order_by("pk").values_list("phone", flat=True)) == [
        phone(n) for n in (1, 2, 3)
    ]
    assert (campaign.members, campaign.not_reached) == (10, 7)
    assert balance() == (0, 3)


def test_a_long_text_costs_its_segments() -> None:
    make_community(credits=7, members=3)
    campaign = start(text="é" * 161, shortfall="send_what_fits")

    assert list(campaign.texts.values_list("segments", flat=True)) == [2, 2, 2]
    assert balance() == (1, 6)


def test_names_decide_what_a_personal_text_costs() -> None:
    make_community(credits=10)
    add_members("club", 2)
    first = member(1)
    first.name = "Žofia"  # not in the GSM alphabet: 70 characters a segment
    first.save()
    campaign = start(text="{name}" + "x" * 100)

    assert list(campaign.texts.order_by("pk").values_list("segments", flat=True)) == [2, 1]
    assert balance() == (7, 3)


def test_who_opted_out_is_skipped_and_costs_nothing() -> None:
    make_community(credits=5, members=3)
    services.opt_out(member_id=member(2).pk)
    campaign = start()

    assert phone(2) not in campaign.texts.values_list("phone", flat=True)
    assert (campaign.members, campaign.opted_out) == (3, 1)
    assert balance() == (3, 2)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
        ({"text": "x" * 2_000}, "text"),
        ({"text": "Hello {surname}"}, "text"),
        ({"text": "Hello {name!r}"}, "text"),
        ({"text": "Hello {name"}, "text"),
        ({"text": "Hello {}"}, "text"),
        ({"text": "Hello {0}"}, "text"),
        ({"text": "Hello {name.__class__}"}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"slug": "nobody"}, "community"),
        ({"slug": ""}, "community"),
        ({"shortfall": "overdraw"}, "shortfall"),
        ({"deadline": "tomorrow"}, "deadline"),
        ({"deadline": "2030-01-01T10:00:00"}, "deadline"),
        ({"deadline": "2020-01-01T10:00:00Z"}, "deadline"),
    ],
)
def test_bad_input_is_explained_and_changes_nothing(asked: dict[str, Any], field: str) -> None:
    make_community(credits=10, members=2)
    with pytest.raises(InvalidInput) as refusal:
        start(**asked)

    assert list(refusal.value.errors) == [field]
    assert nothing_was_written()


def test_a_name_may_not_make_the_text_too_long() -> None:
    make_community(credits=100, members=1)
    with pytest.raises(InvalidInput, match="one of the members"):
        start(text="{name}" + "x" * 1_594)
    assert nothing_was_written()


def test_nor_may_the_communitys_name() -> None:
    slug = "c" * 60  # "The c…" has 64 characters
    make_community(slug, credits=100, members=1)
    with pytest.raises(InvalidInput, match="has 1,601 characters for all"):
        start(slug, text="{community}" + "x" * 1_537)
    assert nothing_was_written()
    assert len(start(slug, text="{community}" + "x" * 1_536).texts.get().body) == 1_600


@pytest.mark.parametrize("opted_out", [False, True])
def test_nobody_to_text_is_explained(opted_out: bool) -> None:
    make_community(credits=5, members=int(opted_out))
    if opted_out:
        services.opt_out(member_id=member().pk)
    with pytest.raises(InvalidInput, match="nobody who may be texted"):
        start()
    assert nothing_was_written()


def test_the_same_key_is_the_same_campaign() -> None:
    make_community(credits=10, members=2)
    first, second = start(key="k"), start(key="k")

    assert first == second
    assert balance() == (8, 2)
    with pytest.raises(services.KeyReused):
        start(key="k", text="Other words")
    assert balance() == (8, 2)


@pytest.mark.parametrize("key", ["", " ", "\ud800", "a\nb"])
def test_what_is_no_key_is_refused(key: str) -> None:
    make_community(credits=10, members=2)
    with pytest.raises(InvalidInput) as refusal:
        start(key=key)
    assert list(refusal.value.errors) == ["key"]
    assert nothing_was_written()
    with pytest.raises(InvalidInput) as refusal:
        services.buy_credits(slug="club", amount=5, actor="test", key=key)
    assert list(refusal.value.errors) == ["key"]
    assert balance() == (10, 0)


def test_the_same_key_from_eight_sides_at_once_is_one_campaign() -> None:
    make_community(credits=10, members=2)
    made = at_once(*[lambda: start(key="k").pk] * 8)

    assert len(set(made)) == 1
    assert balance() == (8, 2)


def test_two_campaigns_at_once_spend_no_credit_twice() -> None:
    make_community(credits=5, members=4)
    outcomes = at_once(*[start] * 4)

    refused = [one for one in outcomes if isinstance(one, services.TooFewCredits)]
    assert len(refused) == 3, outcomes
    assert balance() == (1, 4)


def test_what_fits_is_worked_out_anew_when_the_credits_changed() -> None:
    make_community(credits=7, members=4)
    outcomes = at_once(*[lambda: start(shortfall="send_what_fits")] * 3)

    held = sum(one.texts.count() for one in outcomes if isinstance(one, Campaign))
    assert held == 7, outcomes
    assert balance() == (0, 7)


@pytest.mark.parametrize("shortfall", ["refuse", "send_what_fits"])
def test_who_is_renamed_meanwhile_is_priced_anew(shortfall: str, monkeypatch: Any) -> None:
    make_community(credits=7, members=2)
    renamed = _rename_between(monkeypatch, ["Ann"])
    campaign = start(text="Dear {name}", shortfall=shortfall)

    assert not renamed
    assert sorted(campaign.texts.values_list("body", flat=True)) == ["Dear Ann", "Dear Member 2"]
    assert (campaign.members, campaign.not_reached) == (2, 0)
    assert balance() == (5, 2)


def test_where_names_change_again_and_again_nothing_is_sent(monkeypatch: Any) -> None:
    make_community(credits=7, members=2)
    _rename_between(monkeypatch, [f"Ann {n}" for n in range(9)])
    with pytest.raises(InvalidInput, match="renamed"):
        start(text="Dear {name}")
    assert nothing_was_written()
    assert balance() == (7, 0)


def _rename_between(monkeypatch: Any, names: list[str]) -> list[str]:
    """Give the first member one of these names each time between the pricing and the texts."""
    ask = start_module._credits

    def rename_and_ask(payer: Community, *, held: bool) -> int:
        if names:
            Member.objects.filter(phone=phone(1)).update(name=names.pop())
        return ask(payer, held=held)

    monkeypatch.setattr(start_module, "_credits", rename_and_ask)
    return names


def test_a_deadline_is_kept() -> None:
    make_community(credits=7, members=4)
    deadline = timezone.now() + timedelta(hours=1)
    campaign = start(deadline=deadline.isoformat())
    assert campaign.deadline == deadline


def test_the_communitys_row_is_taken_last_and_foreign_keys_are_checked_before() -> None:
    """Else 100,000 texts would be checked at the commit, with everybody waiting for that row."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make_community(credits=7, members=4)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        start()
    said = [one["sql"] for one in queries.captured_queries]
    (taken,) = [n for n, sql in enumerate(said) if sql.startswith('UPDATE "credits_community"')]
    (checked,) = [n for n, sql in enumerate(said) if "SET CONSTRAINTS ALL IMMEDIATE" in sql]
    inserted = [n for n, sql in enumerate(said) if "INSERT INTO credits_textmessage" in sql]
    assert max(inserted) < checked < taken
    assert not [sql for sql in said[taken + 1 :] if sql.startswith(("INSERT", "DELETE"))]


def test_a_purchase_meets_a_campaign() -> None:
    make_community(credits=4, members=4)
    at_once(
        *[lambda: services.buy_credits(slug="club", amount=3, actor="test")] * 4,
        *[lambda: start(shortfall="send_what_fits")] * 4,
    )
    credits, held = balance()
    assert credits + held == 16
    assert Community.objects.get().credits >= 0
