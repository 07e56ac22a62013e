"""An effect may leave an outside call behind, to be made after its commit. That may take long."""

from collections.abc import Callable

import pytest
from django.db import transaction

from outbox.handlers import Handler
from outbox.models import Message, Run
from outbox.tests.conftest import deliver, enqueue, make_due

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_run_is_recorded_while_a_hook_of_the_one_before_still_runs(
    declare: Callable[..., Handler],
) -> None:
    """Nobody holds such a record: the relay would count a crash for each slow call."""
    recorded_during_hooks = []

    def effect() -> None:
        transaction.on_commit(lambda: recorded_during_hooks.append(Run.objects.count()))

    handler = declare(effect)
    make_due(*[enqueue() for _ in range(3)])

    while deliver(handler).done:
        pass

    assert recorded_during_hooks == [0, 0, 0]
    assert Message.objects.filter(state="done", crashes=0).count() == 3


def test_a_hook_that_raises_undoes_nothing_and_stops_nobody(
    declare: Callable[..., Handler],
) -> None:
    def effect() -> None:
        transaction.on_commit(lambda: 1 / 0)

    handler = declare(effect)
    make_due(*[enqueue() for _ in range(3)])

    while deliver(handler).done:
        pass

    assert Message.objects.filter(state="done", crashes=0, attempts=1).count() == 3
    assert not Run.objects.exists()
