"""A bench of bare effects; the whole books of a run."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import TransactionTestCase

from outbox import dispatch, handlers
from outbox.errors import Transient  # noqa: F401 - the outbox must be loaded before its registry
from outbox.handlers import Retry
from tests.chaos.bench import Bench, slow_effect
from tests.chaos.whole_books import WholeBooks, lay


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


@pytest.fixture(scope="module")
def whole(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WholeBooks]:
    """Laid once for a module's tests, none of which commits what it breaks; gone after them."""
    with django_db_blocker.unblock():
        try:
            yield lay(tmp_path_factory.mktemp("mails"))
        finally:
            TransactionTestCase()._fixture_teardown()
