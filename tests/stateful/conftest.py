"""The worlds that the machines act in."""

import logging
from collections.abc import Iterator

import pytest

from tests.sandbox.process import SandboxProcess
from tests.stateful.credits_world import credits_world
from tests.stateful.outbox_world import outbox_world
from tests.stateful.saga_world import saga_world

__all__ = ["credits_world", "outbox_world", "saga_world"]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand lines of log would hide the acts that failed."""
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)


@pytest.fixture(scope="session")
def stateful_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The sandbox, as a process of its own."""
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as process:
        yield process
