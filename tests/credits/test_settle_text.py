"""Unknown outcomes: settled by the list, else by policy; absence counts only when it is proof."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from credits import providers, services
from credits.models import Finding, TextMessage
from credits.services import send
from credits.services import settle as settle_module
from outbox.models import Message
from sandbox.control import Control
from tests.credits.world import (
    balance,
    make_community,
    make_due,
    only_text,
    phone,
    start,
    waiting,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)


def unknown(sandbox: Control, fault: str, **community: Any) -> TextMessage:
    """A text whose outcome nobody knows."""
    make_community(credits=5, members=1, **community)
    sandbox.force("sms", fault, operation="create")
    start()
    with transaction.atomic():
        attempt = send._claim(only_text().pk)
    assert attempt
    send._make_call(attempt)
    assert only_text().state == "unknown"
    return only_text()


def settle() -> None:
    """One look at the text, now."""
    with transaction.atomic():
        services.settle_text(text_id=only_text().pk, look=1)


def test_found_in_the_list_is_sent(sandbox: Control) -> None:
    unknown(sandbox, "reply_lost")
    settle()

    assert (only_text().state, only_text().settled_by) == ("sent", "listing")
    assert only_text().sid == sandbox.log("sms")[0]["sid"]
    assert balance() == (4, 0)


def test_absent_after_the_lag_was_not_sent(sandbox: Control) -> None:
    unknown(sandbox, "error_before")
    settle()

    assert only_text().state == "failed"
    assert only_text().events.filter(kind="not_listed").exists()
    assert balance() == (5, 0)


def test_absence_within_the_lag_proves_nothing(sandbox: Control) -> None:
    text = unknown(sandbox, "reply_lost")
    sandbox.turn("sms_list_lag_seconds", 60)
    TextMessage.objects.update(lease_until=timezone.now() + timedelta(seconds=5))
    settle()
    assert only_text().state == "unknown"
    assert balance() == (4, 1)

    sandbox.turn("sms_list_lag_seconds", 0)
    settle()
    assert only_text().state == "sent"
    assert not text.findings.exists()


def test_a_list_out_of_reach_decides_nothing_and_is_asked_again(sandbox: Control) -> None:
    unknown(sandbox, "reply_lost")
    sandbox.misbehave("sms", "outage", 100)
    settle()

    assert only_text().state == "unknown"
    assert only_text().events.filter(kind="unlistable").exists()
    assert waiting("credits.settle_text") > 0
    sandbox.reset("sms")
    work("credits.settle_text")
    assert only_text().state == "sent"


def test_after_a_day_out_of_reach_the_policy_decides(sandbox: Control) -> None:
    unknown(sandbox, "reply_lost")
    sandbox.misbehave("sms", "outage", 100)
    TextMessage.objects.update(sending_at=timezone.now() - timedelta(days=2))
    settle()

    assert only_text().state == "failed"
    assert balance() == (5, 0)
    # And what comes late is said, and moves nothing back.
    token = only_text().events.get(kind="sending").token
    assert token
    services.receive_callback(token=token, sid="SM1", status="sent")
    assert Finding.objects.get().kind == "sent_after_refund"
    assert balance() == (5, 0)


def test_where_the_community_wishes_it_is_sent_again(sandbox: Control) -> None:
    unknown(sandbox, "error_before", unknown_policy="resend")
    work()

    assert only_text().state == "sent"
    assert only_text().attempts == 2
    assert len(sandbox.log("sms")) == 1
    assert balance() == (4, 0)


def test_it_is_sent_again_twice_and_then_given_up(sandbox: Control) -> None:
    unknown(sandbox, "error_before", unknown_policy="resend")
    sandbox.force("sms", "error_before", operation="create", times=20)
    work()

    assert (only_text().state, only_text().attempts) == ("failed", 3)
    assert only_text().campaign.status == "finished"
    assert balance() == (5, 0)


def test_a_text_of_another_campaign_is_not_taken_for_this_one(sandbox: Control) -> None:
    """The same words to the same number, an hour ago and now: the list has one of them."""
    make_community(credits=5, members=1)
    start()
    work()
    sandbox.force("sms", "error_before", operation="create")
    second = start()
    work()

    text = second.texts.get()
    assert text.state == "failed"
    assert balance() == (4, 0)
    assert [one["to"] for one in sandbox.log("sms")] == [phone(1)]


def test_a_killed_sender_leaves_a_message_that_settles(sandbox: Control) -> None:
    make_community(credits=5, members=1)
    start()
    with transaction.atomic():
        assert send._claim(only_text().pk)
    make_due()
    TextMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    work("credits.settle_text")

    assert only_text().state == "failed"
    assert [str(one.kind) for one in only_text().events.order_by("pk")] == [
        "sending",
        "unknown",
        "not_listed",
        "policy",
    ]


def test_a_look_that_dies_leaves_another(sandbox: Control, monkeypatch: Any) -> None:
    unknown(sandbox, "reply_lost")
    Message.objects.all().delete()
    monkeypatch.setattr(providers, "find", lambda **_: 1 / 0)
    settle()

    assert only_text().state == "unknown"
    assert waiting("credits.settle_text") == 1


def test_a_look_that_fails_leaves_the_others_of_its_batch(
    sandbox: Control, monkeypatch: Any
) -> None:
    make_community(credits=5, members=2)
    sandbox.force("sms", "error_before", operation="create", times=2)
    campaign = start()
    work("credits.drive_campaign", "credits.send_text")
    first, second = campaign.texts.order_by("pk")
    record = settle_module._record_listing

    def fail_once(question: settle_module.Question, found: list[str]) -> None:
        if question.text_id == first.pk:
            raise ZeroDivisionError
        record(question, found)

    monkeypatch.setattr(settle_module, "_record_listing", fail_once)
    services.settle_texts({first.pk: 1, second.pk: 1})

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("unknown", "failed")
