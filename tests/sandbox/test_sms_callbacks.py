"""Status callbacks: which come, in what order, and that twilio's own validator accepts them."""

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from sandbox.control import Control
from tests.sandbox.clients import SENDER
from tests.sandbox.process import SandboxProcess
from tests.sandbox.receiver import Received, Receiver
from tests.sandbox.waiting import until

ANNA = "+4917139200001"


def send(twilio: Client, receiver: Receiver, path: str = "/callbacks/7?send=abc%20d&x="):
    return twilio.messages.create(
        to=ANNA, from_=SENDER, body="Hello", status_callback=receiver.url + path
    )


def statuses(received: list[Received]) -> list[str]:
    return [callback.form["MessageStatus"] for callback in received]


def test_sent_and_delivered_are_told_and_queued_is_not(
    twilio: Client, control: Control, receiver: Receiver
):
    control.turn("sms_step_seconds", 0.4)
    message = send(twilio, receiver)
    received = receiver.wait_for(2)
    assert statuses(received) == ["sent", "delivered"]
    assert {callback.form["MessageSid"] for callback in received} == {message.sid}
    assert received[0].path == "/callbacks/7?send=abc%20d&x="


def test_twilios_validator_accepts_the_signature(
    sandbox: SandboxProcess, twilio: Client, control: Control, receiver: Receiver
):
    control.force("sms", "undelivered")  # its ErrorCode is signed too
    send(twilio, receiver)
    validator = RequestValidator(sandbox.credentials.twilio_auth_token)
    for callback in receiver.wait_for(2):
        signature = callback.headers["X-Twilio-Signature"]
        assert validator.validate(receiver.url + callback.path, callback.form, signature)
        forged = {**callback.form, "MessageStatus": "failed"}
        assert not validator.validate(receiver.url + callback.path, forged, signature)


@pytest.mark.parametrize(
    ("end", "told"),
    [("undelivered", {"sent": None, "undelivered": "30003"}), ("failed", {"failed": "30007"})],
)
def test_a_bad_end_is_told_with_its_code(
    twilio: Client, control: Control, receiver: Receiver, end: str, told: dict[str, str | None]
):
    control.force("sms", end)
    send(twilio, receiver)
    codes = {
        callback.form["MessageStatus"]: callback.form.get("ErrorCode")
        for callback in receiver.wait_for(len(told))
    }
    assert codes == told


def test_duplicates(twilio: Client, control: Control, receiver: Receiver):
    control.misbehave("sms", "callback_duplicate", 100)
    send(twilio, receiver)
    told = statuses(receiver.wait_for(4))
    assert sorted(told) == ["delivered", "delivered", "sent", "sent"]


def test_reordered(twilio: Client, control: Control, receiver: Receiver):
    control.turn("sms_step_seconds", 0.4)
    control.misbehave("sms", "callback_reordered", 100)
    send(twilio, receiver)
    assert statuses(receiver.wait_for(2)) == ["delivered", "sent"]


def test_the_callback_comes_although_the_reply_was_lost(
    twilio: Client, control: Control, receiver: Receiver
):
    control.force("sms", "reply_lost", operation="create")
    with pytest.raises(Exception, match="Connection"):
        send(twilio, receiver, "/callbacks/our-send-id")
    received = receiver.wait_for(2)
    assert {callback.path for callback in received} == {"/callbacks/our-send-id"}
    assert received[0].form["MessageSid"] == control.log("sms")[0]["sid"]


def test_a_refused_text_has_no_callback(twilio: Client, control: Control, receiver: Receiver):
    control.force("sms", "error_before", operation="create")
    with pytest.raises(Exception, match="500"):
        send(twilio, receiver)
    assert control.callbacks_waiting("sms") == 0


def test_an_answer_of_500_is_not_asked_again(twilio: Client, control: Control, receiver: Receiver):
    receiver.statuses = [500, 500]
    send(twilio, receiver)
    assert set(statuses(receiver.wait_for(2))) == {"sent", "delivered"}
    until(lambda: control.callbacks_waiting("sms") == 0)
