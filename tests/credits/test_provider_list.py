"""The provider's list and ours, each broken by hand: found, mended, then silent."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from credits import provider_list, providers
from credits.models import Campaign, Finding, TextEvent
from credits.reconciliation import provider
from outbox import handlers
from outbox.reconciliation import acts
from outbox.reconciliation.models import Finding as Recorded
from outbox.tests.numbers import went_through
from sandbox.control import Control
from tests.credits.broken import NAMES, execute, findings, make_old, only_finding, unknown
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


def test_a_text_of_an_earlier_attempt_is_one_of_ours(
    sent: Campaign, log: sqlite3.Connection
) -> None:
    """Called hours before the attempt that settled it, which is the one that the text tells of."""
    providers.send(to=phone(1), body="Hello", callback="")
    earlier = str(log.execute("SELECT sid FROM sms_message ORDER BY number DESC").fetchone()[0])
    make_old(log)
    log.execute("UPDATE sms_message SET created_at = created_at - 7200 WHERE sid = ?", [earlier])
    text = sent.texts.get(phone=phone(1))
    at = timezone.now() - timedelta(hours=3)
    TextEvent.objects.create(text=text, kind="sending", token=uuid4(), at=at)

    found = only_finding()
    assert (found["type"], found["subject"]) == ("sent_twice", earlier)
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
    acts.acknowledge(finding_id=Recorded.objects.get().pk, actor="ann", note="their archive")
    assert findings() == []


@pytest.mark.parametrize(("nights", "found"), [(1, 0), (10, 2)], ids=["none", "nine"])
def test_missed_nights_leave_no_text_that_is_never_compared(
    sent: Campaign, log: sqlite3.Connection, nights: int, found: int
) -> None:
    make_old(log)
    execute("UPDATE credits_textmessage SET finished_at = finished_at - interval '9 days'")
    log.execute(
        "UPDATE sms_message SET created_at = created_at - 777600, sent_at = sent_at - 777600"
    )
    log.execute("UPDATE sms_message SET outcome = 'failed' WHERE recipient = ?", (phone(1),))
    log.execute("DELETE FROM sms_message WHERE recipient = ?", (phone(2),))
    went_through(*NAMES, days_ago=nights)
    assert len(findings()) == found
    if found:
        kinds = {one.type for one in Recorded.objects.all()}
        assert kinds == {"failed_after_all", "sent_is_not_listed"}


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
    monkeypatch.setattr(provider_list, "AT_ONCE", 1)
    monkeypatch.setattr(provider, "FETCHES", 1)
    make_old(log)
    asked = len(sandbox.requests("sms"))
    assert findings() == []
    assert len(sandbox.requests("sms")) == asked + 2, "a request for each page, none for a text"
    assert not sent.texts.filter(listed_at=None).exists()


def test_a_slow_list_takes_more_steps_and_not_the_night(
    sent: Campaign, log: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer comes in time, and all of a page together would outlast their step."""
    make_old(log)
    log.execute("DELETE FROM sms_message")
    now, asked, has = [0.0], list[str](), provider_list.has

    def slowly(sid: str) -> bool:
        now[0] += provider.STEP.total_seconds()
        asked.append(sid)
        return has(sid)

    monkeypatch.setattr(provider, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(provider_list, "has", slowly)
    texts = sent.texts.count()
    check = provider.SentIsNotListed()
    first = check.page("")
    assert (first.rows, len(asked)) == (1, 1), "one text, and where to go on"
    assert first.next is not None
    assert len(findings()) == texts > 1
    assert len(asked) == 1 + texts, "none is asked for twice in a run"


@pytest.mark.parametrize("timeout", [5, 7])
def test_asking_for_texts_fits_into_the_deadline_of_its_step(settings: Any, timeout: int) -> None:
    settings.TEXTS = replace(settings.TEXTS, timeout=timeout)
    longest = provider.asking().total_seconds() + provider_list.TRIES * 2 * timeout
    assert longest <= 0.75 * handlers.get("outbox.reconcile_step").deadline.total_seconds()
