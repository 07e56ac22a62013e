"""An effect may leave an outside call behind, to be made after its commit. That may take long."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

import outbox
from outbox import claims, groups, hooks
from outbox.handlers import Handler
from outbox.models import Message, Run
from outbox.tests.conftest import deliver, enqueue, make_due

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("robust", [False, True])
def test_no_run_is_recorded_while_a_hook_of_the_one_before_still_runs(
    declare: Callable[..., Handler], robust: bool
) -> None:
    """Nobody holds such a record: the relay would count a crash for each slow call."""
    recorded_during_hooks = []

    def effect() -> None:
        transaction.on_commit(
            lambda: recorded_during_hooks.append(Run.objects.count()), robust=robust
        )

    handler = declare(effect)
    make_due(*[enqueue() for _ in range(3)])

    while deliver(handler).done:
        pass

    assert recorded_during_hooks == [0, 0, 0]
    assert Message.objects.filter(state="done", crashes=0).count() == 3


def test_the_hooks_of_the_outbox_are_no_reason_to_record_the_next_run_by_itself(
    declare: Callable[..., Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dispatch and a promotion take no time: the next run is recorded in the commit before."""
    in_the_commit_before = []
    really_open = claims.open_next

    def open_next(*args: Any) -> Run | None:
        in_the_commit_before.append(connection.in_atomic_block)
        return really_open(*args)

    monkeypatch.setattr(claims, "open_next", open_next)
    declare(lambda: None, name="tests.child")
    handler = declare(lambda: outbox.enqueue("tests.child", args={}))
    make_due(*[enqueue(group=f"g{n}") for n in range(3)])

    assert deliver(handler).done == 3
    assert in_the_commit_before == [False, True, True]


@pytest.mark.parametrize(("heads", "standing"), [(2, 1), (hooks.MOST_STEPS + 1, 0)])
def test_no_run_is_recorded_while_many_groups_go_on(
    declare: Callable[..., Handler],
    monkeypatch: pytest.MonkeyPatch,
    heads: int,
    standing: int,
) -> None:
    """Each is a transaction of its own: for 500 of them the relay would not wait."""
    recorded_meanwhile = []
    really_promote = groups.promote

    def promote(name: str, *, patience: float = 0) -> bool:
        recorded_meanwhile.append(Run.objects.count())
        return really_promote(name, patience=patience)

    monkeypatch.setattr(groups, "promote", promote)
    handler = declare(lambda messages: None, name="tests.batch", batch_size=heads)
    make_due(*[enqueue(handler="tests.batch", group=f"g{n}") for n in range(heads)])
    make_due(*[enqueue(handler="tests.batch") for _ in range(heads)])

    assert deliver(handler).done == 2 * heads
    assert recorded_meanwhile == [standing] * heads


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
