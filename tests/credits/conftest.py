"""The provider of these tests: the real sandbox, as a process of its own."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from credits import providers
from credits.models import Campaign
from credits.quota import rate
from sandbox.control import Control
from tests.credits.world import make_community, start, states, work
from tests.sandbox.process import SandboxProcess
from tests.stack import Stack


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess, settings: Any) -> Iterator[Control]:
    """An empty log, good behaviour, and this process's client pointed there."""
    running_sandbox.control.clear()
    running_sandbox.control.turn("sms_step_seconds", 0.05)
    settings.TEXTS = replace(
        settings.TEXTS,
        account=running_sandbox.credentials.twilio_account_sid,
        secret=running_sandbox.credentials.twilio_auth_token,
        base_url=running_sandbox.url,
        per_second=1_000,
        timeout=1,
        list_lag=0,
    )
    _forget()
    yield running_sandbox.control
    _forget()


@pytest.fixture
def texting(stack: Stack, running_sandbox: SandboxProcess, sandbox: Control) -> dict[str, str]:
    """The environment of processes that send through the sandbox and are called back."""
    web = stack.web(environment=environment(running_sandbox))
    return {**environment(running_sandbox), "PUBLIC_URL": web.address}


def environment(running: SandboxProcess) -> dict[str, str]:
    """What a process of ours needs to send through the sandbox."""
    return {
        "SANDBOX_URL": running.url,
        "SANDBOX_HOME": str(running.home),
        "TEXT_TIMEOUT": "1",
        "TEXT_LIST_LAG": "1",
        "TEXTS_PER_SECOND": "500",
    }


def _forget() -> None:
    for cached in (providers.client, rate._shared, rate._own):
        cached.cache_clear()


@pytest.fixture
def patience(sandbox: Control, settings: Any) -> None:
    """The sandbox is waited for, however busy the machine is: no time-out is meant here."""
    settings.TEXTS = replace(settings.TEXTS, timeout=20)
    providers.client.cache_clear()


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
