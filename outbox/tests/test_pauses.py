"""A pause holds from its commit on; what waited is done once when it ends."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from outbox import pauses, relay
from outbox.desk.models import DeskAct
from outbox.models import Message
from outbox.monitoring.models import Pause
from outbox.tests.conftest import Ledger, deliver, enqueue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def effect(declare: Callable[..., Any], ledger: Ledger) -> Any:
    return declare(lambda: ledger.add("effect"), queue="critical")


@pytest.mark.parametrize("target", ["handler:tests.effect", "queue:critical"])
def test_nothing_of_it_is_claimed_by_any_way_until_it_is_resumed(
    target: str, effect: Any, ledger: Ledger, sent: list[Any]
) -> None:
    assert pauses.pause(target, actor="ann", reason="the bank is down")
    assert not pauses.pause(target, actor="bob")
    message = enqueue()
    assert deliver(effect, message).done == 0  # by its own dispatch
    assert deliver(effect).done == 0  # by the relay's
    assert ledger.all() == []
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)
    sent.clear()
    assert pauses.resume(target, actor="ann")
    assert not pauses.resume(target, actor="ann")
    assert ("tests.effect", []) in sent  # rung for at once
    assert [deliver(effect).done, deliver(effect).done] == [1, 0]
    assert ledger.all() == ["effect"]
    told = DeskAct.objects.order_by("pk").values_list("kind", "actor", "reason")
    assert list(told) == [("pause", "ann", "the bank is down"), ("resume", "ann", "")]


def test_the_relay_does_not_ring_for_what_is_paused(effect: Any, sent: list[Any]) -> None:
    enqueue()
    Message.objects.update(due_at="2020-01-01T00:00Z")
    pauses.pause("queue:critical", actor="ann")
    sent.clear()
    assert relay.run_once().dispatched == 0
    assert sent == []
    Pause.objects.all().delete()
    assert relay.run_once().dispatched == 1


def test_what_is_being_run_ends_and_its_neighbours_wait(
    declare: Callable[..., Any], ledger: Ledger
) -> None:
    def effect() -> None:
        ledger.add("effect")
        if not Pause.objects.exists():
            Pause.objects.create(target="handler:tests.effect", actor="ann")

    handler = declare(effect)
    first = enqueue()
    enqueue()
    assert deliver(handler, first).done == 1
    assert ledger.all() == ["effect"]


def test_two_pauses_are_two_reasons(effect: Any) -> None:
    pauses.pause("queue:critical", actor="ann")
    pauses.pause("handler:tests.effect", actor="bob")
    message = enqueue()
    pauses.resume("queue:critical", actor="ann")
    assert deliver(effect, message).done == 0
    pauses.resume("handler:tests.effect", actor="bob")
    assert deliver(effect, message).done == 1


@pytest.mark.parametrize(
    "row", [{"target": "everything", "actor": "ann"}, {"target": "queue:x", "actor": ""}], ids=str
)
def test_the_database_refuses_half_a_pause(row: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Pause.objects.create(**row)
