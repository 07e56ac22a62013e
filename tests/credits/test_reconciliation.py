"""Credits, texts and the provider's log, broken by hand: found, mended, then silent."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import resolve

from credits import demo, providers, services
from credits.models import Campaign, Finding, TextMessage
from credits.reconciliation import provider
from outbox.models import Message
from outbox.reconciliation import Suspect, registered
from outbox.reconciliation.models import Finding as Recorded
from sandbox.control import Control
from tests.credits.world import (
    balance,
    make_community,
    only_text,
    phone,
    start,
    states,
    work,
)
from tests.sandbox.process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = [name for name in registered() if name.startswith("credits.")]
Found = dict[str, Any]


def findings(*options: str) -> list[Found]:
    """What a run over the checks of credits finds, and does."""
    found: list[Found] = []
    for name in NAMES:
        out = StringIO()
        with suppress(SystemExit):  # a finding that needs a person is told by the exit status, too
            call_command("reconcile", "--check", name, "--json", *options, stdout=out)
        found += json.loads(out.getvalue())["findings"]
    for one in Recorded.objects.filter(check_name__in=NAMES):
        suspect = Suspect(one.type, one.subject, one.evidence)
        address = registered()[one.check_name].address(suspect)
        assert address == "" or resolve(address), "a finding leads to a page, if to any"
    return found


def only_finding() -> Found:
    (found,) = findings()
    return found


def execute(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.fixture
def sandbox(sandbox: Control, settings: Any) -> Control:
    """One that is waited for, however busy the machine is: no time-out is meant here."""
    settings.TEXTS = replace(settings.TEXTS, timeout=20)
    providers.client.cache_clear()
    return sandbox


@pytest.fixture
def log(running_sandbox: SandboxProcess) -> Iterator[sqlite3.Connection]:
    """The provider's own records, to be broken as ours are."""
    with sqlite3.connect(running_sandbox.home / "sandbox.sqlite3", isolation_level=None) as db:
        yield db
    db.close()


@pytest.fixture
def sent(sandbox: Control) -> Campaign:
    """A campaign whose two texts were sent."""
    make_community(credits=5, members=2)
    campaign = start()
    work()
    assert states(campaign) == {"sent": 2}
    return campaign


def make_old(log: sqlite3.Connection) -> None:
    """Let what was sent have been sent an hour ago, to us and to the provider."""
    execute(
        "UPDATE credits_textmessage SET sending_at = sending_at - interval '1 hour',"
        " lease_until = lease_until - interval '1 hour',"
        " finished_at = finished_at - interval '1 hour'"
    )
    log.execute(
        "UPDATE sms_message SET created_at = created_at - 3600, sent_at = sent_at - 3600,"
        " ended_at = ended_at - 3600"
    )


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
        token = text.events.get(kind="sending").token
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


def unknown(sandbox: Control) -> TextMessage:
    """A text that went out; its reply was lost an hour ago."""
    make_community(credits=5, members=1)
    sandbox.force("sms", "reply_lost", operation="create")
    start()
    work("credits.drive_campaign", "credits.send_text")
    execute("UPDATE credits_textmessage SET lease_until = now() - interval '50 minutes'")
    assert only_text().state == "unknown"
    return only_text()


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
    from tests.credits.test_send_text import another_session

    unknown(sandbox)
    Message.objects.all().delete()
    with another_session() as worker, worker.transaction():
        worker.execute("SELECT FROM credits_textmessage FOR NO KEY UPDATE")
        assert [one["type"] for one in findings()] == []


# The provider's list and ours.


def test_a_text_that_is_none_of_ours_needs_a_person(
    sent: Campaign, log: sqlite3.Connection
) -> None:
    providers.send(to=phone(7), body="Hello", callback="")
    assert findings() == [], "its reply may be on its way"
    make_old(log)
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("unknown_to_us", False)


def test_a_text_that_went_out_after_its_refund_is_recorded(
    sandbox: Control, log: sqlite3.Connection
) -> None:
    sandbox.turn("sms_list_lag_seconds", 0)
    make_community(credits=5, members=1)
    sandbox.force("sms", "error_before", operation="create")
    start()
    work()
    assert only_text().state == "failed"
    providers.send(to=phone(1), body="Hello", callback="")  # as a sender does that was frozen
    make_old(log)

    found = only_finding()
    assert (found["type"], found["repaired"]) == ("sent_after_refund", True)
    assert Finding.objects.get().sid == found["subject"]
    assert balance() == (5, 0)
    assert findings() == []


def test_a_text_that_was_sent_twice_is_recorded(sent: Campaign, log: sqlite3.Connection) -> None:
    providers.send(to=phone(1), body="Hello", callback="")
    make_old(log)
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("sent_twice", True)
    assert Finding.objects.get().kind == "sent_twice"
    assert findings() == []


def test_an_id_that_we_lost_is_written_down(sent: Campaign, log: sqlite3.Connection) -> None:
    make_old(log)
    execute("UPDATE credits_textmessage SET sid = NULL WHERE phone = %s", phone(1))
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("id_missing", True)
    assert sent.texts.get(phone=phone(1)).sid == found["subject"]
    assert findings() == []


def test_a_text_that_failed_behind_our_back_is_refunded(
    sent: Campaign, log: sqlite3.Connection
) -> None:
    make_old(log)
    log.execute("UPDATE sms_message SET outcome = 'failed' WHERE recipient = ?", (phone(1),))
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("failed_after_all", True)
    assert states(sent) == {"sent": 1, "failed": 1}
    assert balance() == (4, 0)
    assert findings() == []


def test_one_that_we_gave_up_and_the_provider_did_not_needs_a_person(
    sent: Campaign, log: sqlite3.Connection
) -> None:
    make_old(log)
    execute(
        "UPDATE credits_textmessage SET state = 'failed', reason = 'x' WHERE phone = %s", phone(1)
    )
    types = {one["type"]: one["repaired"] for one in findings()}
    assert types == {"entries_differ_from_texts": False, "says_otherwise": False}


def test_what_we_say_was_sent_and_the_provider_does_not_know_needs_a_person(
    sent: Campaign, log: sqlite3.Connection
) -> None:
    make_old(log)
    log.execute("DELETE FROM sms_message WHERE recipient = ?", (phone(2),))
    found = only_finding()
    assert (found["type"], found["repaired"]) == ("sent_is_not_listed", False)
    assert found["subject"] == str(sent.texts.get(phone=phone(2)).pk)


def test_an_open_text_is_left_to_those_who_settle_it(
    sandbox: Control, log: sqlite3.Connection
) -> None:
    unknown(sandbox)
    log.execute("UPDATE sms_message SET created_at = created_at - 1200")
    execute("UPDATE credits_textmessage SET sending_at = now() - interval '20 minutes'")
    assert findings() == []


def test_a_list_out_of_reach_is_said_and_nothing_follows(
    sent: Campaign, sandbox: Control, log: sqlite3.Connection
) -> None:
    make_old(log)
    sandbox.misbehave("sms", "outage", 100)
    assert {one["type"] for one in findings()} == {"provider_out_of_reach"}
    sandbox.reset("sms")
    sandbox.force("sms", "outage", operation="list", times=2)
    assert findings() == []


def test_the_list_is_read_page_by_page_and_each_text_is_marked_once(
    sent: Campaign, log: sqlite3.Connection, sandbox: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    from credits import provider_list

    monkeypatch.setattr(provider_list, "AT_ONCE", 1)
    monkeypatch.setattr(provider, "FETCHES", 1)
    make_old(log)
    asked = len(sandbox.requests("sms"))
    assert findings() == []
    assert len(sandbox.requests("sms")) == asked + 2, "a request for each page, none for a text"
    assert not sent.texts.filter(listed_at=None).exists()


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
