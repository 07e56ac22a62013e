"""One sandbox process for all these tests; each starts with an empty log and good behaviour."""

from collections.abc import Iterator
from typing import Any

import pytest
from twilio.rest import Client

from sandbox.control import Control
from tests.sandbox.clients import Carrier, stripe_client, twilio_client
from tests.sandbox.process import SandboxProcess
from tests.sandbox.receiver import Receiver


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    running_sandbox.control.clear()
    running_sandbox.control.turn("sms_step_seconds", 0.05)
    running_sandbox.control.turn("slow_seconds", 0.3)
    return running_sandbox


@pytest.fixture
def control(sandbox: SandboxProcess) -> Control:
    return sandbox.control


@pytest.fixture
def twilio(sandbox: SandboxProcess) -> Client:
    return twilio_client(sandbox)


@pytest.fixture
def stripe_v1(sandbox: SandboxProcess) -> Any:
    return stripe_client(sandbox)


@pytest.fixture
def carrier(sandbox: SandboxProcess) -> Carrier:
    return Carrier(sandbox)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
