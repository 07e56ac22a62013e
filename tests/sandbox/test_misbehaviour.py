"""Every kind of misbehaviour, for every provider: what the client sees, and what was done."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.control import Control
from sandbox.misbehaviour import KINDS
from tests.sandbox.clients import SENDER, Carrier, stripe_client, twilio_client
from tests.sandbox.payments import charged
from tests.sandbox.process import SandboxProcess
from tests.sandbox.waiting import until

PROVIDERS = ("sms", "payments", "shipping")


def act(sandbox: SandboxProcess, provider: str, *, timeout: float = 5.0) -> int:
    """Send, charge or ship once. Status of the answer; 0: the connection gave none."""
    acts: dict[str, Callable[[], Any]] = {
        "sms": lambda: twilio_client(sandbox, timeout=timeout).messages.create(
            to="+4917139200001", from_=SENDER, body="Hello"
        ),
        "payments": lambda: stripe_client(sandbox, timeout=timeout).payment_intents.create(
            charged()
        ),
        "shipping": lambda: (
            Carrier(sandbox, timeout=timeout).create(reference="r", order="7").raise_for_status()
        ),
    }
    try:
        acts[provider]()
    except Exception as failure:
        response = getattr(failure, "response", None)
        status = getattr(failure, "status", None) or getattr(failure, "http_status", None)
        return status or (response.status_code if response is not None else 0)
    return 200


SEEN_AND_DONE = [
    ("rate_limited", 429, 0),
    ("error_before", 500, 0),
    ("error_after", 500, 1),
    ("reply_lost", 0, 1),
    ("outage", 0, 0),
    ("slow", 200, 1),
    ("callback_duplicate", 200, 1),
    ("callback_reordered", 200, 1),
]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "seen", "done"), SEEN_AND_DONE)
def test_what_is_seen_and_what_is_done(
    sandbox: SandboxProcess, control: Control, provider: str, kind: str, seen: int, done: int
):
    control.misbehave(provider, kind, 100)
    assert act(sandbox, provider) == seen
    assert len(control.log(provider)) == done


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_slow_effect_happens_although_the_client_has_gone(
    sandbox: SandboxProcess, control: Control, provider: str
):
    control.force(provider, "slow", seconds=0.6, point=1)
    assert act(sandbox, provider, timeout=0.2) == 0
    assert control.log(provider) == []  # absent now, and yet to come
    assert control.under_way(provider) == 1
    until(lambda: control.under_way(provider) == 0)
    assert control.log(provider)


def test_a_slow_reply_comes_after_the_effect(sandbox: SandboxProcess, control: Control):
    control.force("sms", "slow", seconds=0.6, point=0)
    assert act(sandbox, "sms", timeout=0.2) == 0
    assert len(control.log("sms")) == 1


def test_slow_waits_as_long_as_it_is_told(sandbox: SandboxProcess, control: Control):
    control.force("shipping", "slow", seconds=0.4)
    started = time.monotonic()
    act(sandbox, "shipping")
    assert 0.4 <= time.monotonic() - started < 2


def test_kinds_add_up(sandbox: SandboxProcess, control: Control):
    for kind in ("slow", "error_after", "callback_duplicate"):
        control.misbehave("shipping", kind, 100)
    assert act(sandbox, "shipping") == 500
    assert control.requests("shipping")[0]["faults"] == [
        *("callback_duplicate", "error_after", "slow")
    ]


def test_providers_misbehave_each_on_their_own(sandbox: SandboxProcess, control: Control):
    control.misbehave("sms", "outage", 100)
    assert act(sandbox, "shipping") == 200


def test_reset_ends_it_at_once(sandbox: SandboxProcess, control: Control):
    control.misbehave("shipping", "outage", 100)
    control.force("shipping", "outage", times=5)
    control.reset("shipping")
    assert act(sandbox, "shipping") == 200
    assert control.behaviour("shipping") == {}


def test_reading_is_hit_too(sandbox: SandboxProcess, control: Control):
    control.misbehave("shipping", "rate_limited", 100)
    assert Carrier(sandbox).fetch("r").status_code == 429


def test_health_is_never_hit(sandbox: SandboxProcess, control: Control):
    for provider in PROVIDERS:
        control.misbehave(provider, "outage", 100)
    assert requests.get(sandbox.url + "/healthz", timeout=2).json() == {"status": "ok"}


def test_a_percentage_is_kept_roughly_and_repeatably(sandbox: SandboxProcess, control: Control):
    control.misbehave("shipping", "rate_limited", 30)
    carrier = Carrier(sandbox)
    statuses = [carrier.fetch("r").status_code for _ in range(200)]
    assert 30 <= statuses.count(429) <= 90
    drawn = [bool(request["faults"]) for request in control.requests("shipping")]
    assert drawn == [status == 429 for status in statuses]


def test_forced_faults_wait_for_their_operation(sandbox: SandboxProcess, control: Control):
    control.force("shipping", "error_after", operation="cancel")
    carrier = Carrier(sandbox)
    assert carrier.create(reference="r", order="7").status_code == 201
    assert carrier.cancel("r").status_code == 500
    assert carrier.cancel("r").status_code == 200
    assert carrier.fetch("r").json()["status"] == "cancelled"


def test_forced_faults_queue_up(sandbox: SandboxProcess, control: Control):
    control.force("shipping", "rate_limited", times=2)
    control.force("shipping", "refused")
    assert [act(sandbox, "shipping") for _ in range(4)] == [429, 429, 422, 200]


def test_every_request_is_noted(sandbox: SandboxProcess, control: Control):
    carrier = Carrier(sandbox)
    carrier.create(reference="r", order="7")
    carrier.cancel("r")
    operations = [request["operation"] for request in control.requests("shipping")]
    assert operations == ["create", "cancel"]


def test_everything_at_once_and_the_log_stays_the_truth(sandbox: SandboxProcess, control: Control):
    for kind in KINDS:
        control.misbehave("shipping", kind, 15)
    control.turn("slow_seconds", 0.02)
    carrier = Carrier(sandbox, timeout=2)
    made = set()
    for n in range(60):
        try:
            if carrier.create(reference=f"r{n}", order=str(n)).status_code == 201:
                made.add(f"r{n}")
        except requests.ConnectionError:
            pass
    control.reset("shipping")
    logged = {entry["reference"] for entry in control.log("shipping")}
    assert made <= logged  # what was confirmed was done; more was done than confirmed
    assert {f"r{n}" for n in range(60) if carrier.fetch(f"r{n}").status_code == 200} == logged
    assert len(logged) > len(made)


def test_the_client_may_be_told_nothing_at_all(sandbox: SandboxProcess, control: Control):
    control.force("shipping", "reply_lost")
    with pytest.raises(requests.ConnectionError):
        Carrier(sandbox).create(reference="r", order="7")
    assert Carrier(sandbox).create(reference="r", order="7").status_code == 409


WRONG: list[Callable[[Control], None]] = [
    lambda control: control.misbehave("fax", "slow", 5),
    lambda control: control.misbehave("sms", "lazy", 5),
    lambda control: control.misbehave("sms", "slow", 101),
    lambda control: control.misbehave("sms", "slow", -1),
    lambda control: control.force("sms", "lazy"),
    lambda control: control.log("fax") and None,
    lambda control: control.turn("volume", 11),
    lambda control: control.turn("slow_seconds", "fast"),
    lambda control: control.turn("slow_seconds", -1),
    lambda control: control.turn("slow_seconds", "nan"),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_words_are_refused(control: Control, wrong: Callable[[Control], None]):
    with pytest.raises(ValueError, match=r"."):
        wrong(control)
