"""Dispatches in the air take along what is committed beside them; a mark is only a hint."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import caches
from django.db import transaction

import outbox
from outbox import coalescing, consumer, dispatch, execution, relay
from outbox.cooldown import Cooldown
from outbox.models import Message
from outbox.tally import Tally
from outbox.tests.conftest import HERE, enqueue, make_due

CACHES = {
    "shared": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "down": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1",
        "OPTIONS": {"socket_connect_timeout": 0.1},
    },
}


@pytest.fixture(autouse=True)
def shared(settings: Any, monkeypatch: pytest.MonkeyPatch, ledger: Any) -> Iterator[None]:
    settings.CACHES, settings.OUTBOX_COALESCING_CACHE = CACHES, "shared"
    monkeypatch.setattr(coalescing, "SECONDS", 3_600)  # no mark falls while a slow machine tests
    monkeypatch.setattr(coalescing, "_cooldown", Cooldown(first=3.0, longest=60.0))
    yield
    caches["shared"].clear()


@pytest.fixture
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda messages: ledger.add(f"{len(messages)}"), batch_size=100)


def arrive(handler: Any, sent: list[Any]) -> None:
    """The oldest dispatch reaches a worker."""
    name, ids = sent.pop(0)
    request = SimpleNamespace(id="task-1", headers=None)
    consumer.receive(SimpleNamespace(name=name, request=request), ids)  # type: ignore[arg-type]


def test_many_commits_share_the_dispatch_in_the_air(
    effect: Any, ledger: Any, sent: list[Any]
) -> None:
    for _ in range(5):
        enqueue()
    assert len(sent) == 1
    arrive(effect, sent)
    assert ledger.all() == ["1", "4"]


def test_what_is_committed_while_one_claims_has_a_dispatch(
    declare: Any, ledger: Any, sent: list[Any]
) -> None:
    """The mark is cleared before the first claim: cleared later, this commit would be missed."""

    def commits_another(messages: list[Message]) -> None:
        if not ledger.all():
            ledger.add("first")
            with transaction.atomic():
                outbox.enqueue("tests.effect", args={})

    effect = declare(commits_another, batch_size=1)
    enqueue()
    arrive(effect, sent)
    assert len(sent) == 1


def test_an_ordinary_handler_has_as_many_in_the_air_as_it_has_places(
    declare: Any, ledger: Any, sent: list[Any]
) -> None:
    effect = declare(lambda n: ledger.add(str(n)))
    for n in range(200):
        enqueue(args={"n": n})
    assert len(sent) == coalescing.PLACES
    while sent:
        arrive(effect, sent)
    assert sorted(map(int, ledger.all())) == list(range(200))


def test_a_dispatch_that_has_landed_leaves_its_place_to_the_next(
    declare: Any, sent: list[Any]
) -> None:
    effect = declare(lambda: None)
    for _ in range(40):
        enqueue()
        arrive(effect, sent)
    assert sent == []


def test_a_successor_never_waits_for_a_dispatch_of_something_younger(
    declare: Any, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the air may begin to look after the moment at which the successor was due."""
    monkeypatch.setattr(coalescing, "PLACES", 1)
    effect = declare(lambda: None)
    head, successor = enqueue(group="a"), enqueue(group="a")
    enqueue()
    assert [ids for _, ids in sent] == [[str(head.id)]]
    execution.run_first(effect, [head.id], HERE, Tally())
    assert [ids for _, ids in sent][1:] == [[str(successor.id)]]


def test_a_large_commit_wakes_several_workers_whatever_is_in_the_air(
    effect: Any, sent: list[Any]
) -> None:
    enqueue()
    with transaction.atomic():
        outbox.enqueue_many("tests.effect", ({"n": n} for n in range(300)))
    assert len(sent) == 4


def test_the_relay_ignores_the_mark(effect: Any, sent: list[Any]) -> None:
    make_due(enqueue())
    sent.clear()
    assert relay.run_once().dispatched == 1


def test_a_cache_that_is_down_costs_one_try_and_no_dispatch(
    effect: Any, sent: list[Any], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OUTBOX_COALESCING_CACHE = "down"
    enqueue(), enqueue(), enqueue()
    assert len(sent) == 3
    assert caplog.text.count("no coalescing for a while") == 1


def test_what_did_not_go_out_is_not_in_the_air(
    effect: Any, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process, whose broker answers, would leave its own to it."""
    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "send", lambda *_: False)
        enqueue()
    enqueue()
    assert len(sent) == 1


def test_a_broker_that_is_left_alone_costs_no_question(
    effect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    cooldown = Cooldown(first=3.0, longest=60.0)
    cooldown.failed()
    monkeypatch.setattr(dispatch, "_cooldown", cooldown)
    monkeypatch.setattr(coalescing, "_ask", lambda *question: asked.append(question))
    enqueue()
    assert asked == []


def test_a_mark_whose_dispatch_was_lost_falls_by_itself(
    effect: Any, monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    import time

    enqueue()
    later = time.time() + coalescing.SECONDS
    monkeypatch.setattr("django.core.cache.backends.locmem.time.time", lambda: later)
    enqueue()
    assert len(sent) == 2


def test_without_a_shared_cache_every_commit_sends_its_own(
    effect: Any, sent: list[Any], settings: Any
) -> None:
    del settings.OUTBOX_COALESCING_CACHE
    enqueue(), enqueue()
    assert len(sent) == 2
