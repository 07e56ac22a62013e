"""Credits and texts, broken by hand: found, mended, then silent."""

import sqlite3

import pytest

from credits import demo, services
from credits.models import Campaign
from outbox.models import Message
from sandbox.control import Control
from tests.credits.broken import execute, findings, make_old, only_finding, unknown
from tests.credits.world import (
    balance,
    make_community,
    only_text,
    phone,
    start,
    states,
    work,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patience")]


def test_a_fresh_start_has_no_findings_and_asks_nobody(sandbox: Control) -> None:
    demo.load_demo_community()
    assert findings() == []
    assert sandbox.requests("sms") == []


def test_ordinary_work_has_no_findings(sandbox: Control, log: sqlite3.Connection) -> None:
    make_community(credits=20, members=9)
    for number, code in enumerate((21211, 30003, 30007), start=1):
        sandbox.answer_number(phone(number), code)
    campaign = start()
    for fault in ("error_before", "reply_lost", "rate_limited"):
        sandbox.force("sms", fault, operation="create")
    assert findings() == [], "texts are on their way"
    work("credits.drive_campaign", "credits.send_text")
    assert findings() == [], "outcomes are open"
    work()
    cancelled = start()
    services.cancel_campaign(campaign_id=cancelled.pk, actor="anna")
    assert findings() == [], "credits are yet to come back"
    work()
    make_old(log)
    for text in campaign.texts.filter(phone=phone(3)):  # its callback: it failed on delivery
        # The last: it was sent twice where one of the faults has met this very text.
        token = text.events.filter(kind="sending").latest("pk").token
        assert token
        services.receive_callback(token=token, sid=str(text.sid), status="failed", error_code=30007)
    assert findings() == []


# Sums.


def test_a_balance_written_past_the_ledger_is_set_back() -> None:
    make_community(credits=5)
    execute("UPDATE credits_community SET credits = 7")
    assert only_finding()["type"] == "balance_differs_from_entries"
    assert balance() == (5, 0)
    assert findings() == []


def test_entries_that_sum_up_to_less_than_nothing_need_a_person() -> None:
    make_community(credits=5, members=1)
    campaign = start()
    execute(
        "INSERT INTO credits_creditentry"
        " (community_id, operation, kind, amount, campaign_id, actor)"
        " SELECT community_id, 'x', 'hold', -9, id, 'y' FROM credits_campaign"
    )
    found = findings()
    assert [one["repaired"] for one in found] == [False, False]
    assert {one["subject"] for one in found} == {"club", str(campaign.pk)}


def test_a_held_number_that_was_written_by_hand_is_set_back() -> None:
    make_community(credits=5, members=2)
    start()
    execute("UPDATE credits_community SET held = 4")
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("held_differs_from_texts", True)
    assert balance() == (3, 2)
    assert findings() == []


def test_credits_held_without_a_text_are_given_back() -> None:
    make_community(credits=5, members=2)
    campaign = start()
    execute("DELETE FROM credits_textmessage WHERE phone = %s", phone(2))
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("held_without_a_text", True)
    assert found["subject"] == str(campaign.pk)
    assert balance() == (4, 1)
    assert findings() == []


def test_a_text_that_nobody_paid_for_needs_a_person() -> None:
    make_community(credits=5, members=2)
    start()
    execute("UPDATE credits_textmessage SET segments = 3 WHERE phone = %s", phone(1))
    found = findings()
    assert {one["type"] for one in found} == {
        "entries_differ_from_texts",
        "held_differs_from_texts",
    }
    assert not any(one["repaired"] for one in found)


def test_spent_credits_of_a_text_that_is_gone_need_a_person(sent: Campaign) -> None:
    execute("DELETE FROM credits_textevent")
    execute("DELETE FROM credits_textmessage WHERE phone = %s", phone(1))
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("entries_differ_from_texts", False)


# What no message stands for.


@pytest.mark.parametrize("ended", [False, True])
def test_a_campaign_without_a_driver_gets_one(sandbox: Control, ended: bool) -> None:
    make_community(credits=9, members=1)
    campaign = start()
    if ended:
        services.cancel_campaign(campaign_id=campaign.pk, actor="anna")
    Message.objects.all().delete()
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("nobody_drives_it", True)
    assert findings() == []
    work()
    assert states(campaign) == {"skipped" if ended else "sent": 1}


def test_a_paused_campaign_gets_a_driver_for_its_deadline(sandbox: Control) -> None:
    make_community(credits=9, members=1)
    campaign = start(deadline="2099-01-01T00:00:00Z")
    services.pause_campaign(campaign_id=campaign.pk)
    Message.objects.all().delete()
    assert only_finding()["type"] == "nobody_drives_it"
    assert Message.objects.get().due_at.isoformat()[:13] in ("2098-12-31T23", "2099-01-01T00")


def test_a_text_that_was_handed_out_to_nobody_is_sent(sandbox: Control) -> None:
    make_community(credits=9, members=1)
    campaign = start()
    services.drive_campaign(campaign_id=str(campaign.pk), turn=campaign.turn)
    Message.objects.filter(handler="credits.send_text").delete()
    assert findings() == [], "it may be on its way for ten minutes"
    execute("UPDATE credits_textmessage SET handed_at = now() - interval '1 hour'")
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("nobody_sends_it", True)
    assert findings() == []
    work()
    assert states(campaign) == {"sent": 1}


def test_an_open_text_that_nobody_settles_is_looked_for(sandbox: Control) -> None:
    unknown(sandbox)
    assert findings() == [], "its message waits"
    Message.objects.filter(handler="credits.settle_text").delete()
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("nobody_settles_it", True)
    assert findings() == []
    work("credits.settle_text")
    assert only_text().state == "sent"


def test_a_text_that_is_looked_for_in_vain_needs_a_person(sandbox: Control) -> None:
    unknown(sandbox)
    execute("UPDATE credits_textmessage SET sending_at = now() - interval '2 hours'")
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("open_too_long", False)
    work("credits.settle_text")
    assert findings() == []


def test_a_text_that_somebody_is_at_is_no_finding(sandbox: Control) -> None:
    from tests.credits.world import another_session

    unknown(sandbox)
    Message.objects.all().delete()
    with another_session() as worker, worker.transaction():
        worker.execute("SELECT FROM credits_textmessage FOR NO KEY UPDATE")
        assert [one["type"] for one in findings()] == []


def test_a_dry_run_changes_nothing(sent: Campaign, log: sqlite3.Connection) -> None:
    make_old(log)
    log.execute("UPDATE sms_message SET outcome = 'failed' WHERE recipient = ?", (phone(1),))
    execute("UPDATE credits_community SET credits = credits + 1")
    found = findings("--dry-run")
    assert sorted(one["type"] for one in found) == [
        "balance_differs_from_entries",
        "failed_after_all",
    ]
    assert states(sent) == {"sent": 2}
