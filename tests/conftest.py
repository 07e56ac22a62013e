"""Fixtures of the suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import settings as test_settings
from tests.stack import Stack


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    """Real processes on this test's database and broker: see tests/stack.py."""
    stack = Stack(tmp_path, test_settings.SERVERS)
    stack.flush_broker()
    yield stack
    stack.end()
