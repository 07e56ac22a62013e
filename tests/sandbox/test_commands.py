"""`manage.py sandbox …` and `python -m sandbox …`."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sandbox.control import Control
from tests.sandbox.clients import SENDER, Carrier, twilio_client
from tests.sandbox.process import PROJECT, SandboxProcess


@pytest.fixture
def say(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    """Run a command of manage.py on this sandbox and give what it printed."""
    monkeypatch.setenv("SANDBOX_HOME", str(sandbox.home))

    def run(*words: str) -> str:
        call_command("sandbox", *words)
        return capsys.readouterr().out

    return run


def test_log_as_json(sandbox: SandboxProcess, say):
    assert [json.loads(say("log", name, "--json")) for name in ("sms", "payments", "shipping")] == [
        *([], [], [])
    ]
    message = twilio_client(sandbox).messages.create(
        to="+4917139200001", from_=SENDER, body="Grüße\n"
    )
    assert json.loads(say("log", "sms", "--json")) == [
        {"to": "+4917139200001", "body": "Grüße\n", "sid": message.sid}
    ]


def test_log_for_people(sandbox: SandboxProcess, say):
    Carrier(sandbox).create(reference="r", order="7")
    assert say("log", "shipping") == "order=7  reference=r\n1 in the log of shipping\n"


def test_misbehave_and_reset(sandbox: SandboxProcess, say):
    say("misbehave", "shipping", "rate_limited", "100")
    assert say("misbehave", "shipping", "slow", "5") == "shipping: rate_limited 100 %, slow 5 %\n"
    assert Carrier(sandbox).fetch("r").status_code == 429
    assert say("misbehave", "shipping", "reset") == "shipping: behaves well\n"
    assert Carrier(sandbox).fetch("r").status_code == 404


def test_reset_of_all(sandbox: SandboxProcess, say, control: Control):
    control.misbehave("sms", "slow", 5)
    control.misbehave("payments", "slow", 5)
    assert "slow" not in say("reset")
    assert control.behaviour("sms") == control.behaviour("payments") == {}


def test_force_number_and_knob(sandbox: SandboxProcess, say):
    say("force", "shipping", "rate_limited", "--operation", "fetch", "--times", "2")
    carrier = Carrier(sandbox)
    assert [carrier.fetch("r").status_code for _ in range(3)] == [429, 429, 404]
    say("number", "+4917139200001", "21610")
    with pytest.raises(Exception, match="unsubscribed"):
        twilio_client(sandbox).messages.create(to="+4917139200001", from_=SENDER, body="Hello")
    say("knob", "slow_seconds", "2.5")


@pytest.mark.parametrize(
    "words",
    [
        ("log", "fax"),
        ("misbehave", "sms", "lazy", "5"),
        ("misbehave", "sms", "slow", "101"),
        ("misbehave", "sms", "slow", "-1"),
        ("misbehave", "sms", "slow", "5.5"),
        ("misbehave", "sms", "slow"),
        ("knob", "slow_seconds", "fast"),
        ("knob", "volume", "11"),
        ("sing",),
    ],
)
def test_wrong_words(say, words: tuple[str, ...]):
    with pytest.raises(CommandError):
        say(*words)


def test_without_django_and_while_the_sandbox_is_down(sandbox: SandboxProcess):
    Carrier(sandbox).create(reference="r", order="7")
    found = subprocess.run(
        [sys.executable, "-m", "sandbox", "log", "shipping", "--json"],
        cwd=PROJECT,
        env={**os.environ, "SANDBOX_HOME": str(sandbox.home)},
        capture_output=True,
        check=True,
        timeout=20,
    )
    assert json.loads(found.stdout) == [{"order": "7", "reference": "r"}]
