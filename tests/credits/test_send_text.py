"""Sending: each outcome of a call, and what it does to text, credits and story."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import outbox
from credits import providers, sending, services
from credits.models import Campaign, DailyCount, TextMessage
from credits.services import send
from outbox import consumer, handlers
from outbox.delivery import Delivery
from sandbox.control import Control
from tests.credits.world import (
    balance,
    make_community,
    make_due,
    member,
    only_text,
    phone,
    start,
    states,
    waiting,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)


def story(text: TextMessage) -> list[str]:
    return [str(event.kind) for event in text.events.order_by("pk")]


def work_off(name: str) -> None:
    """One dispatch of one handler, without waiting for what is due later."""
    consumer.consume(handlers.get(name), [], Delivery.here())


def claimed() -> send.Attempt:
    """A claimed text whose call has not been made: as a killed worker leaves it."""
    work_off("credits.drive_campaign")
    with transaction.atomic():
        attempt = send._claim(only_text().pk)
    assert attempt
    return attempt


def test_everybody_gets_one_text_and_the_credits_are_spent(sandbox: Control) -> None:
    make_community(credits=10, members=3)
    campaign = start(text="Hello {name} of {community}")

    work()

    campaign.refresh_from_db()
    assert campaign.status == "finished"
    assert states(campaign) == {"sent": 3}
    assert sorted(text["body"] for text in sandbox.log("sms")) == [
        f"Hello Member {number} of The club" for number in (1, 2, 3)
    ]
    assert {text["sid"] for text in sandbox.log("sms")} == set(
        campaign.texts.values_list("sid", flat=True)
    )
    assert balance() == (7, 0)


def test_sending_is_committed_before_the_call(sandbox: Control, monkeypatch: Any) -> None:
    """Seen by another session while the call is being made, and outside any transaction."""
    seen = []

    def call(**_: str) -> providers.Outcome:
        seen.append((connection.in_atomic_block, only_text().state, waiting("credits.settle_text")))
        return providers.Accepted("SM1")

    monkeypatch.setattr(providers, "send", call)
    make_community(credits=1, members=1)
    start()
    work("credits.drive_campaign", "credits.send_text")

    assert seen == [(False, "sending", 1)]


def test_a_refusal_gives_the_credits_back(sandbox: Control) -> None:
    make_community(credits=5, members=1)
    sandbox.answer_number(phone(1), 21211)
    start()
    work()

    assert only_text().state == "failed"
    assert "21211" in only_text().reason or only_text().error_code == 21211
    assert story(only_text()) == ["sending", "refused"]
    assert balance() == (5, 0)


def test_who_told_the_provider_to_stop_has_opted_out(sandbox: Control) -> None:
    make_community(credits=5, members=1)
    sandbox.answer_number(phone(1), 21610)
    start()
    work()

    assert member().opted_out_at is not None


def test_a_stop_keeps_the_moment_of_an_earlier_one_and_holds_the_community_last() -> None:
    make_community(credits=5, members=1)
    start()
    with transaction.atomic():
        attempt = send._claim(only_text().pk)
    assert attempt
    services.opt_out(member_id=member().pk)
    before = member().opted_out_at
    with CaptureQueriesContext(connection) as asked:
        send.record(attempt, providers.Refused("stop", providers.UNSUBSCRIBED))

    assert member().opted_out_at == before
    written = [one["sql"].split('"')[1] for one in asked if one["sql"].startswith("UPDATE")]
    assert written == ["credits_member", "credits_textmessage", "credits_community"]


def test_who_opts_out_in_mid_campaign_is_skipped(sandbox: Control) -> None:
    make_community(credits=5, members=2)
    campaign = start()
    work_off("credits.drive_campaign")
    services.opt_out(member_id=member(1).pk)
    work()

    assert states(campaign) == {"skipped": 1, "sent": 1}
    assert [text["to"] for text in sandbox.log("sms")] == [phone(2)]
    assert balance() == (4, 0)


@pytest.mark.parametrize("fault", ["rate_limited"])
def test_what_surely_did_not_go_out_is_tried_again(sandbox: Control, fault: str) -> None:
    make_community(credits=5, members=1)
    sandbox.force("sms", fault, operation="create", times=2)
    start()
    work()

    assert only_text().state == "sent"
    assert only_text().attempts == 3
    assert story(only_text()) == ["sending", "postponed"] * 2 + ["sending", "accepted"]
    assert len(sandbox.log("sms")) == 1
    assert balance() == (4, 0)


def test_an_outage_of_our_account_gives_no_text_up(sandbox: Control, settings: Any) -> None:
    make_community(credits=5, members=1)
    start()
    right = settings.TEXTS
    settings.TEXTS = replace(right, account="")
    for _ in range(20):
        make_due()
        work_off("credits.drive_campaign")
        work_off("credits.send_text")
    assert (only_text().state, only_text().attempts) == ("queued", 20)

    settings.TEXTS = right
    work()
    assert only_text().state == "sent"
    assert balance() == (4, 0)


def test_an_outage_of_a_day_is_no_other(sandbox: Control) -> None:
    make_community(credits=5, members=1)
    start()
    TextMessage.objects.update(attempts=3_000)
    sandbox.force("sms", "rate_limited", operation="create")
    work()

    assert (only_text().state, only_text().attempts) == ("sent", 3_002)


@pytest.mark.parametrize("fault", ["error_before", "error_after", "reply_lost", "outage"])
def test_what_may_have_gone_out_is_unknown_and_never_sent_again(
    sandbox: Control, fault: str
) -> None:
    make_community(credits=5, members=1)
    sandbox.force("sms", fault, operation="create")
    campaign = start()
    work("credits.drive_campaign", "credits.send_text")

    assert only_text().state == "unknown"
    assert balance() == (4, 1)
    campaign.refresh_from_db()
    assert campaign.status == "finished"

    work()

    went_out = fault in ("error_after", "reply_lost")
    assert only_text().state == ("sent" if went_out else "failed")
    assert balance() == ((4, 0) if went_out else (5, 0))
    assert len(sandbox.log("sms")) == went_out


def test_a_second_delivery_calls_nobody(sandbox: Control) -> None:
    make_community(credits=5, members=1)
    start()
    work()
    with transaction.atomic():
        outbox.enqueue("credits.send_text", args={"text_id": only_text().pk})
    work()

    assert len(sandbox.requests("sms")) == 1


def test_no_call_is_made_after_the_lease(sandbox: Control) -> None:
    """A process that was frozen between its commit and its call."""
    make_community(credits=5, members=1)
    start()
    attempt = claimed()
    TextMessage.objects.update(lease_until=timezone.now() + timedelta(seconds=1))

    send._make_call(attempt)

    assert sandbox.requests("sms") == []
    assert only_text().state == "queued"


def test_no_call_is_made_after_the_deadline(sandbox: Control) -> None:
    make_community(credits=5, members=1)
    start()
    attempt = claimed()
    Campaign.objects.update(deadline=timezone.now() - timedelta(seconds=1))

    send._make_call(attempt)

    assert sandbox.requests("sms") == []


def test_a_late_reply_is_evidence_all_the_same(sandbox: Control) -> None:
    """The text was given up meanwhile, and its credits given back: a finding, nothing backwards."""
    make_community(credits=5, members=1)
    start()
    attempt = claimed()
    TextMessage.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    work("credits.settle_text")
    assert only_text().state == "failed"

    send.record(attempt, providers.Accepted("SM9"))

    assert only_text().state == "failed"
    assert [(one.kind, one.sid) for one in only_text().findings.all()] == [
        ("sent_after_refund", "SM9")
    ]
    assert balance() == (5, 0)


def test_the_daily_cap_is_taken_once_and_given_back_on_failure(sandbox: Control) -> None:
    make_community(credits=9, members=3, daily_cap=2)
    sandbox.answer_number(phone(1), 21211)
    sandbox.force("sms", "rate_limited", operation="create")
    campaign = start()
    work()
    assert states(campaign) == {"failed": 1, "sent": 2}
    assert DailyCount.objects.get().texts == 2


def test_a_cap_that_is_reached_stops_the_rest(sandbox: Control) -> None:
    make_community(credits=9, members=3, daily_cap=2)
    campaign = start()
    for _ in range(6):
        make_due()
        work_off("credits.drive_campaign")
        work_off("credits.send_text")
    assert states(campaign) == {"sent": 2, "queued": 1}
    assert len(sandbox.log("sms")) == 2
    assert balance() == (6, 1)


def test_a_dead_message_fails_its_text(sandbox: Control) -> None:
    make_community(credits=9, members=1)
    start()
    work_off("credits.drive_campaign")

    with transaction.atomic():
        services.abandon_text({"text_id": only_text().pk}, "dead", "ValueError")

    assert only_text().state == "failed"
    assert balance() == (9, 0)


def test_the_callback_address_is_the_public_one(settings: Any) -> None:
    token = UUID(int=7)
    assert sending.callback_address(token) == ""
    settings.TEXTS = replace(settings.TEXTS, public_url="https://texts.example")
    assert sending.callback_address(token) == f"https://texts.example/callbacks/texts/{token}/"
