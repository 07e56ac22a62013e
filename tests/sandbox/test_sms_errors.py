"""Twilio's refusals, as its client library raises them."""

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from sandbox.control import Control
from tests.sandbox.clients import SENDER, twilio_client
from tests.sandbox.process import SandboxProcess
from tests.sandbox.waiting import until

ANNA = "+4917139200001"
GOOD = {"to": ANNA, "from_": SENDER, "body": "Hello"}

REFUSED = [
    ({"to": "017139200001"}, 21211),
    ({"to": "+0123"}, 21211),
    ({"to": ""}, 21604),
    ({"to": "+15005550001"}, 21211),
    ({"to": "+15005550002"}, 21612),
    ({"to": "+15005550003"}, 21408),
    ({"to": "+15005550004"}, 21610),
    ({"to": "+15005550009"}, 21614),
    ({"from_": "+15005550001"}, 21212),
    ({"from_": "+15005550007"}, 21606),
    ({"from_": "+15005550008"}, 21611),
    ({"from_": ""}, 21603),
    ({"body": ""}, 21602),
    ({"body": "a" * 1601}, 21617),
    ({"status_callback": "nowhere"}, 21609),
    ({"status_callback": "http://[broken"}, 21609),
]


@pytest.mark.parametrize(("wrong", "code"), REFUSED)
def test_bad_input_is_refused_and_nothing_is_sent(
    twilio: Client, control: Control, wrong: dict[str, str], code: int
):
    with pytest.raises(TwilioRestException) as refusal:
        twilio.messages.create(**(GOOD | wrong))
    assert (refusal.value.status, refusal.value.code) == (400, code)
    assert control.log("sms") == []


def test_a_number_can_be_told_to_refuse(twilio: Client, control: Control):
    control.answer_number(ANNA, 21610)
    with pytest.raises(TwilioRestException) as refusal:
        twilio.messages.create(**GOOD)
    assert refusal.value.code == 21610


def test_a_number_can_be_told_to_be_unreachable(twilio: Client, control: Control):
    control.answer_number(ANNA, 30005)
    message = twilio.messages.create(**GOOD)
    until(lambda: message.fetch().status == "undelivered")
    assert message.fetch().error_code == 30005
    assert len(control.log("sms")) == 1  # it was sent, and cost money


def test_a_text_that_failed_was_never_sent(twilio: Client, control: Control):
    control.force("sms", "failed")
    message = twilio.messages.create(**GOOD)
    until(lambda: message.fetch().status == "failed")
    assert message.fetch().error_code == 30007
    assert message.fetch().date_sent is None
    assert control.log("sms") == []


@pytest.mark.parametrize("token", ["wrong", "wröng"])
def test_a_wrong_token_is_refused(sandbox: SandboxProcess, token: str):
    with pytest.raises(TwilioRestException) as refusal:
        twilio_client(sandbox, token=token).messages.create(**GOOD)
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_another_account_is_refused(twilio: Client):
    other = twilio.api.v2010.accounts("AC" + "0" * 32)
    with pytest.raises(TwilioRestException) as refusal:
        other.messages.create(**GOOD)
    assert refusal.value.code == 20003


def test_an_unknown_sid_is_not_found(twilio: Client):
    with pytest.raises(TwilioRestException) as refusal:
        twilio.messages("SM" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_a_wrong_date_is_refused(twilio: Client):
    with pytest.raises(Exception, match="Unable to fetch page"):
        twilio.messages.list(date_sent_after="yesterday")
