"""Creating, fetching and listing texts through twilio's own client."""

import re
from datetime import UTC, datetime, timedelta

from twilio.rest import Client

from sandbox.control import Control
from tests.sandbox.clients import SENDER
from tests.sandbox.waiting import until

ANNA, BEN = "+4917139200001", "+4917139200002"


def send(twilio: Client, to: str = ANNA, body: str = "Hello", **more: str):
    return twilio.messages.create(to=to, from_=SENDER, body=body, **more)


def test_a_text_is_accepted_as_queued_and_is_in_the_log(twilio: Client, control: Control):
    message = send(twilio, body="Grüße")
    assert re.fullmatch("SM[0-9a-f]{32}", message.sid)
    assert message.status == "queued"
    assert (message.to, message.from_, message.body) == (ANNA, SENDER, "Grüße")
    assert message.date_created is not None
    assert message.date_sent is None
    assert message.error_code is None
    assert control.log("sms") == [{"to": ANNA, "body": "Grüße", "sid": message.sid}]


def test_the_log_is_empty_at_first(control: Control):
    assert control.log("sms") == []


def test_a_text_ends_delivered(twilio: Client):
    message = send(twilio)
    until(lambda: message.fetch().status == "delivered")
    assert message.fetch().date_sent is not None


def test_sent_comes_between_queued_and_delivered(twilio: Client, control: Control):
    control.turn("sms_step_seconds", 0.4)
    message = send(twilio)
    seen = [message.status]
    until(lambda: seen.append(message.fetch().status) or seen[-1] == "delivered")
    assert list(dict.fromkeys(seen)) == ["queued", "sent", "delivered"]


def test_asked_twice_it_sends_twice(twilio: Client, control: Control):
    assert send(twilio).sid != send(twilio).sid
    assert len(control.log("sms")) == 2


def test_segments_are_counted(twilio: Client):
    assert send(twilio, body="a" * 161).num_segments == "2"
    assert send(twilio, body="ж" * 71).num_segments == "2"


def test_a_text_by_messaging_service_needs_no_sender(twilio: Client):
    service = "MG" + "0" * 32
    message = twilio.messages.create(to=ANNA, messaging_service_sid=service, body="Hello")
    assert message.messaging_service_sid == service


def test_the_list_is_newest_first(twilio: Client):
    first, second = send(twilio), send(twilio)
    assert [message.sid for message in twilio.messages.list()] == [second.sid, first.sid]


def test_the_list_filters_by_recipient(twilio: Client):
    send(twilio, to=ANNA)
    wanted = send(twilio, to=BEN)
    assert [message.sid for message in twilio.messages.list(to=BEN)] == [wanted.sid]


def test_the_client_walks_all_pages(twilio: Client):
    sids = [send(twilio, body=str(n)).sid for n in range(7)]
    send(twilio, to=BEN)
    found = [message.sid for message in twilio.messages.list(to=ANNA, page_size=3)]
    assert found == sids[::-1]


def test_a_limit_stops_the_walk(twilio: Client):
    sids = [send(twilio, body=str(n)).sid for n in range(5)]
    found = [message.sid for message in twilio.messages.list(limit=3, page_size=2)]
    assert found == sids[:1:-1]


def test_the_list_filters_by_time_and_by_day(twilio: Client):
    message = send(twilio)
    now = datetime.now(UTC)

    def found(**filters: datetime) -> bool:
        return message.sid in [other.sid for other in twilio.messages.list(**filters)]

    assert found(date_sent_after=now - timedelta(seconds=5))
    assert not found(date_sent_after=now + timedelta(minutes=1))
    assert found(date_sent_before=now + timedelta(minutes=1))
    assert not found(date_sent_before=now - timedelta(minutes=1))
    assert found(date_sent_after=now.date())
    assert not found(date_sent=now.date() - timedelta(days=2))


def test_a_text_still_queued_is_in_the_list(twilio: Client, control: Control):
    control.turn("sms_step_seconds", 60)
    message = send(twilio)
    just_before = datetime.now(UTC) - timedelta(seconds=2)
    found = twilio.messages.list(to=ANNA, date_sent_after=just_before)
    assert [(other.sid, other.status) for other in found] == [(message.sid, "queued")]


def test_the_list_can_lag_behind(twilio: Client, control: Control):
    control.turn("sms_list_lag_seconds", 60)
    message = send(twilio)
    assert twilio.messages.list() == []
    assert twilio.messages(message.sid).fetch().sid == message.sid
    control.turn("sms_list_lag_seconds", 0)
    assert len(twilio.messages.list()) == 1
