"""A bench of bare effects."""

from collections.abc import Iterator

import pytest

from outbox import dispatch, handlers
from outbox.errors import Transient  # noqa: F401 - the outbox must be loaded before its registry
from outbox.handlers import Retry
from tests.chaos.bench import Bench, slow_effect


@pytest.fixture
def bench(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The handler of bare effects, its table, workers; all of it gone after the test."""
    monkeypatch.setattr(dispatch, "send", lambda *_, **__: True)
    known = dict(handlers._registry)
    handlers.handler("chaos.bare", retry=Retry(limit=None))(slow_effect(0.002))
    bench = Bench()
    yield bench
    bench.close()
    handlers._registry.clear()
    handlers._registry.update(known)
