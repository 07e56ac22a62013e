"""Pause, resume, cancel and the deadline: one row changes, and no credit is lost."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credits import providers, selectors, services
from credits.models import Campaign, DailyCount, TextMessage
from credits.services import drive, send, settle
from outbox import consumer, handlers
from outbox.delivery import Delivery
from sandbox.control import Control
from tests.credits.world import balance, make_community, make_due, start, states, waiting, work
from tests.pricing.threads import at_once, behind

pytestmark = pytest.mark.django_db(transaction=True)


def look() -> None:
    """One look of the driver."""
    make_due()
    consumer.consume(handlers.get("credits.drive_campaign"), [], Delivery.here())


def test_a_few_hundred_are_due_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "PORTION", 3)
    make_community(credits=9, members=9)
    start()
    drive_once()

    assert waiting("credits.send_text") == 3
    assert TextMessage.objects.filter(handed_at=None).count() == 6


def drive_once() -> None:
    campaign = Campaign.objects.get()
    services.drive_campaign(campaign_id=str(campaign.pk), turn=campaign.turn)


def test_a_driver_that_runs_twice_hands_nothing_out_twice() -> None:
    make_community(credits=9, members=9)
    campaign = start()

    def drive_it() -> None:
        services.drive_campaign(campaign_id=str(campaign.pk), turn=campaign.turn)

    at_once(*[drive_it] * 4)

    assert waiting("credits.send_text") == 9


def test_a_paused_campaign_sends_nothing_until_it_is_resumed(sandbox: Control) -> None:
    make_community(credits=9, members=3)
    campaign = start()
    drive_once()
    services.pause_campaign(campaign_id=campaign.pk)
    work()
    assert states(campaign) == {"queued": 3}
    assert sandbox.requests("sms") == []

    services.resume_campaign(campaign_id=campaign.pk)
    work()
    assert states(campaign) == {"sent": 3}
    assert len(sandbox.log("sms")) == 3


def test_cancelling_gives_back_what_was_not_sent(sandbox: Control) -> None:
    make_community(credits=9, members=3)
    campaign = start()
    drive_once()
    for _ in range(2):
        services.cancel_campaign(campaign_id=campaign.pk, actor="anna")
    seen = selectors.describe_campaign(selectors.find_campaign(campaign.pk))
    assert (seen["status"], seen["skipped"]) == ("cancelled", 3)
    work()

    assert states(campaign) == {"skipped": 3}
    assert balance() == (9, 0)
    assert sandbox.requests("sms") == []


def test_a_large_rest_is_released_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "RELEASED_AT_ONCE", 4)
    make_community(credits=10, members=10)
    campaign = start()
    services.cancel_campaign(campaign_id=campaign.pk, actor="anna")
    work("credits.drive_campaign")

    assert states(campaign) == {"skipped": 10}
    assert campaign.entries.filter(kind="release").count() == 3
    assert balance() == (10, 0)


def test_after_the_deadline_nothing_is_sent(sandbox: Control) -> None:
    make_community(credits=9, members=3)
    campaign = start(deadline=(timezone.now() + timedelta(hours=1)).isoformat())
    drive_once()
    Campaign.objects.update(deadline=timezone.now())
    work()

    campaign.refresh_from_db()
    assert campaign.status == "expired"
    assert states(campaign) == {"skipped": 3}
    assert balance() == (9, 0)
    assert sandbox.requests("sms") == []


def test_a_paused_campaign_expires_as_well(sandbox: Control) -> None:
    make_community(credits=9, members=3)
    campaign = start(deadline=(timezone.now() + timedelta(hours=1)).isoformat())
    services.pause_campaign(campaign_id=campaign.pk)
    Campaign.objects.update(deadline=timezone.now())
    look()
    campaign.refresh_from_db()
    assert campaign.status == "expired"


def test_what_has_ended_cannot_be_paused_resumed_or_cancelled(sandbox: Control) -> None:
    make_community(credits=9, members=1)
    campaign = start()
    work()
    for act in (services.pause_campaign, services.resume_campaign):
        with pytest.raises(services.NotPossible, match="finished already"):
            act(campaign_id=campaign.pk)
    with pytest.raises(services.NotPossible):
        services.cancel_campaign(campaign_id=campaign.pk, actor="anna")


def test_a_text_put_off_when_its_campaign_ended_is_skipped(sandbox: Control) -> None:
    make_community(credits=9, members=1)
    campaign = start()
    with transaction.atomic():
        attempt = send._claim(TextMessage.objects.get().pk)
    assert attempt
    services.cancel_campaign(campaign_id=campaign.pk, actor="anna")
    work("credits.drive_campaign")
    send.record(attempt, providers.Postponed("429"))

    assert states(campaign) == {"skipped": 1}
    assert balance() == (9, 0)


def test_a_look_reads_none_of_the_texts_that_wait() -> None:
    make_community(credits=2_000, members=2_000)
    campaign = start()
    look()
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as asked:
        cursor.execute("ANALYZE credits_textmessage")
        assert drive._counts(campaign) == {"in_flight": drive.PORTION, "waiting": 1}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked[-1]['sql']}")
        plan = json.dumps(cursor.fetchone()[0])

    assert "text_handed_out" in plan
    read = [int(rows) for rows in re.findall(r'"Actual Rows": (\d+)', plan)]
    removed = [int(rows) for rows in re.findall(r'"Rows Removed by [^"]*": (\d+)', plan)]
    assert max(read + removed) <= drive.PORTION


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_the_days_cap_comes_back_with_the_credits_of_texts_that_were_put_off(how: str) -> None:
    make_community(credits=9, members=4, daily_cap=4)
    campaign = start()
    for text in TextMessage.objects.order_by("pk")[:3]:
        with transaction.atomic():
            attempt = send._claim(text.pk)
        assert attempt
        send.record(attempt, providers.Postponed("429"))
    TextMessage.objects.filter(pk=attempt.text_id).update(counted_on=date(2026, 1, 1))
    DailyCount.objects.update(texts=2)
    DailyCount.objects.create(community=campaign.community, day=date(2026, 1, 1), texts=8)
    if how == "cancelled":
        services.cancel_campaign(campaign_id=campaign.pk, actor="anna")
    else:
        Campaign.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    work("credits.drive_campaign")

    assert states(campaign) == {"skipped": 4}
    assert list(DailyCount.objects.order_by("day").values_list("texts", flat=True)) == [7, 0]
    assert balance() == (9, 0)


def test_a_text_that_is_put_off_while_its_campaign_ends_is_skipped() -> None:
    """Both look at the other before they commit: one must wait, or the text stays for ever."""
    make_community(credits=9, members=1)
    campaign = start()
    with transaction.atomic():
        attempt = send._claim(TextMessage.objects.get().pk)
    assert attempt
    TextMessage.objects.update(state="unknown")  # a sender that was thawed after its lease
    behind(
        lambda: services.drive_campaign(campaign_id=str(campaign.pk), turn=campaign.turn),
        lambda: send.record(attempt, providers.Postponed("late")),
    )

    assert states(campaign) == {"skipped": 1}
    assert balance() == (9, 0)


@pytest.mark.parametrize("record", [settle._record_unlistable, settle._record_listing])
def test_a_text_that_would_be_sent_again_while_its_campaign_ends_is_not(record: Any) -> None:
    """The same, where a look at the provider's list has found nothing."""
    make_community(credits=9, members=1, unknown_policy="resend")
    campaign = start()
    with transaction.atomic():
        assert send._claim(TextMessage.objects.get().pk)
    long_ago = timezone.now() - timedelta(days=2)
    TextMessage.objects.update(state="unknown", sending_at=long_ago, lease_until=long_ago)
    question = settle._question(TextMessage.objects.get(), timezone.now(), 1)

    def end() -> None:
        turn = services.cancel_campaign(campaign_id=campaign.pk, actor="anna").turn
        services.drive_campaign(campaign_id=str(campaign.pk), turn=turn)

    nothing: Any = "out of reach" if record is settle._record_unlistable else []
    behind(end, lambda: record(question, nothing))

    assert states(campaign) == {"failed": 1}
    assert balance() == (9, 0)
