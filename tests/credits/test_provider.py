"""Twilio's own client against the sandbox: what each fault says about the text."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.embedded.ports import free_port
from credits import providers
from sandbox.control import Control
from tests.credits.world import phone


def send() -> providers.Outcome:
    return providers.send(to=phone(1), body="Hello", callback="")


def point_at(settings: Any, **changes: Any) -> None:
    settings.TEXTS = replace(settings.TEXTS, **changes)
    providers.client.cache_clear()


def test_accepted(sandbox: Control) -> None:
    assert send() in [providers.Accepted(text["sid"]) for text in sandbox.log("sms")]


@pytest.mark.parametrize("code", [21211, 21408, 21610, 21614])
def test_refused_for_good(sandbox: Control, code: int) -> None:
    sandbox.answer_number(phone(1), code)
    outcome = send()
    assert isinstance(outcome, providers.Refused)
    assert outcome.code == code


def test_too_many_requests_is_postponed(sandbox: Control) -> None:
    sandbox.force("sms", "rate_limited")
    assert isinstance(send(), providers.Postponed)


@pytest.mark.parametrize("fault", ["error_before", "error_after", "reply_lost", "outage"])
def test_what_may_have_gone_out_is_unknown(sandbox: Control, fault: str) -> None:
    sandbox.force("sms", fault)
    assert isinstance(send(), providers.Unknown)


@pytest.mark.parametrize("point", [0.0, 1.0])
def test_a_time_out_is_unknown(sandbox: Control, settings: Any, point: float) -> None:
    point_at(settings, timeout=0.2)
    sandbox.force("sms", "slow", seconds=0.6, point=point)
    assert isinstance(send(), providers.Unknown)


def test_nobody_there_is_postponed(sandbox: Control, settings: Any) -> None:
    point_at(settings, base_url=f"http://127.0.0.1:{free_port()}")
    assert isinstance(send(), providers.Postponed)


def test_no_such_host_is_postponed(sandbox: Control, settings: Any) -> None:
    point_at(settings, base_url="http://nowhere.invalid")
    assert isinstance(send(), providers.Postponed)


def test_wrong_credentials_are_postponed(sandbox: Control, settings: Any) -> None:
    """It is our account that is not let in: no reason to give up a single text."""
    point_at(settings, secret="wrong")
    assert isinstance(send(), providers.Postponed)
    assert sandbox.log("sms") == []


def test_without_a_provider_nothing_goes_out(sandbox: Control, settings: Any) -> None:
    point_at(settings, account="", base_url="")
    assert isinstance(send(), providers.Postponed)


def test_an_error_never_names_the_number(sandbox: Control) -> None:
    sandbox.force("sms", "reply_lost")
    outcome = send()
    assert isinstance(outcome, providers.Unknown)
    assert phone(1) not in outcome.reason


def test_found_by_number_words_and_time(sandbox: Control) -> None:
    send()
    providers.send(to=phone(1), body="Other words", callback="")
    providers.send(to=phone(2), body="Hello", callback="")
    now = timezone.now()

    found = list(providers.find(to=phone(1), body="Hello", since=now, until=now))
    assert found == [sandbox.log("sms")[0]["sid"]]
    later = now + timedelta(hours=1)
    assert list(providers.find(to=phone(1), body="Hello", since=later, until=later)) == []
    earlier = now - timedelta(hours=1)
    assert list(providers.find(to=phone(1), body="Hello", since=earlier, until=earlier)) == []


@pytest.mark.parametrize("fault", ["outage", "error_before", "rate_limited"])
def test_a_list_out_of_reach_is_no_empty_list(sandbox: Control, fault: str) -> None:
    sandbox.force("sms", fault, operation="list")
    now = timezone.now()
    with pytest.raises(providers.OutOfReach):
        list(providers.find(to=phone(1), body="Hello", since=now, until=now))
