"""One real sandbox for the whole session, emptied before each test that asks for it."""

from collections.abc import Iterator
from typing import Any

import pytest

from outbox import dispatch
from tests.orders.shop import shop_at
from tests.sandbox.process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The sandbox, as a process of its own."""
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    """The sandbox, empty and well behaved, with our clients pointed at it."""
    sandbox_process.control.clear()
    settings.SHOP = shop_at(sandbox_process)
    yield sandbox_process
    sandbox_process.control.clear()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dispatches are hints: these tests deliver the messages as they please."""
    monkeypatch.setattr(dispatch, "send", lambda *_: True)
