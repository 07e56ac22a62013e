"""kill -9 of the sandbox: its log keeps what was done, and only that."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.sandbox.clients import SENDER, Carrier, stripe_client, twilio_client
from tests.sandbox.payments import charged, key
from tests.sandbox.process import PROJECT, SandboxProcess
from tests.sandbox.receiver import Receiver
from tests.sandbox.waiting import until

ANNA = "+4917139200001"


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[SandboxProcess]:
    """A sandbox of this test's own, to be killed."""
    with SandboxProcess(tmp_path / "mortal") as sandbox:
        yield sandbox


def ship_in_background(sandbox: SandboxProcess) -> tuple[threading.Thread, list[str]]:
    seen: list[str] = []

    def ship() -> None:
        try:
            seen.append(str(Carrier(sandbox).create(reference="r", order="7").status_code))
        except requests.ConnectionError:
            seen.append("cut")

    thread = threading.Thread(target=ship)
    thread.start()
    return thread, seen


def test_a_kill_between_effect_and_reply_is_a_lost_reply(mortal: SandboxProcess):
    mortal.control.force("shipping", "slow", seconds=30, point=0)
    thread, seen = ship_in_background(mortal)
    until(lambda: mortal.control.log("shipping"))
    mortal.kill()
    thread.join()
    assert seen == ["cut"]
    assert mortal.control.log("shipping") == [{"order": "7", "reference": "r"}]
    mortal.start()
    assert Carrier(mortal).create(reference="r", order="7").status_code == 409


def test_a_kill_before_the_effect_leaves_nothing(mortal: SandboxProcess):
    mortal.control.force("shipping", "slow", seconds=30, point=1)
    thread, seen = ship_in_background(mortal)
    until(lambda: mortal.control.requests("shipping"))
    mortal.kill()
    thread.join()
    assert seen == ["cut"]
    mortal.start()
    assert mortal.control.log("shipping") == []
    assert Carrier(mortal).create(reference="r", order="7").status_code == 201


def test_idempotency_keys_outlive_a_kill(mortal: SandboxProcess):
    first = stripe_client(mortal).payment_intents.create(charged(), key("k"))
    mortal.kill()
    mortal.start()
    assert stripe_client(mortal).payment_intents.create(charged(), key("k")).id == first.id
    assert len(mortal.control.log("payments")) == 1


def test_texts_go_on_their_way_after_a_kill(mortal: SandboxProcess, receiver: Receiver):
    mortal.control.turn("sms_step_seconds", 0.7)
    message = twilio_client(mortal).messages.create(
        to=ANNA, from_=SENDER, body="Hello", status_callback=receiver.url
    )
    mortal.kill()
    mortal.start()
    statuses = {callback.form["MessageStatus"] for callback in receiver.wait_for(2)}
    assert statuses == {"sent", "delivered"}
    assert twilio_client(mortal).messages(message.sid).fetch().status == "delivered"


def test_misbehaviour_outlives_a_kill(mortal: SandboxProcess):
    mortal.control.misbehave("shipping", "rate_limited", 100)
    mortal.kill()
    mortal.start()
    assert Carrier(mortal).fetch("r").status_code == 429


def test_a_second_sandbox_in_one_home_is_refused(mortal: SandboxProcess):
    second = subprocess.run(
        [sys.executable, "-m", "sandbox", "serve", "--port", "0"],
        cwd=PROJECT,
        env={"SANDBOX_HOME": str(mortal.home)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert requests.get(mortal.url + "/healthz", timeout=2).status_code == 200
