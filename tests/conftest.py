"""Fixtures of the suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from outbox import coalescing, dispatch
from outbox.cooldown import Cooldown
from tests import settings as test_settings
from tests.stack import Stack


@pytest.fixture(autouse=True)
def _nothing_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test whose broker or cache was away would keep the next ones' dispatches for a minute."""
    for module in (dispatch, coalescing):
        known = module._cooldown
        monkeypatch.setattr(module, "_cooldown", Cooldown(known.first, known.longest))


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    """Real processes on this test's database and broker: see tests/stack.py."""
    stack = Stack(tmp_path, test_settings.SERVERS)
    stack.flush_broker()
    yield stack
    stack.end()
