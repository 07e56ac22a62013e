"""Messages of one group run in the order of their commits, one at a time."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

import outbox
from outbox import claims, groups, ids, relay, runs
from outbox.models import Message
from outbox.tests.conftest import another_session, deliver, drain, enqueue, make_due
from outbox.tests.test_checks import ReadsFromAReplica
from outbox.tests.test_keys import in_thread


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda n: ledger.add(str(n)))


@pytest.fixture
def never_for_ever(effect: Any) -> Iterator[None]:
    """Where a lock is waited for that the test itself keeps, the test fails and goes on."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
    yield
    connection.close()


def in_group(n: int, group: str = "g", **options: Any) -> Message:
    return enqueue(args={"n": n}, group=group, **options)


def states() -> dict[int, str]:
    return dict(Message.objects.values_list("args__n", "state"))


def test_only_the_head_is_due() -> None:
    for n in range(3):
        in_group(n)
    assert states() == {0: "pending", 1: "parked", 2: "parked"}


def test_each_end_promotes_the_next(effect: Any, ledger: Any) -> None:
    for n in range(4):
        in_group(n)
    drain(effect)
    assert ledger.all() == ["0", "1", "2", "3"]


def test_groups_do_not_wait_for_each_other(effect: Any, ledger: Any) -> None:
    in_group(0, "a")
    Message.objects.update(due_at="2100-01-01T00:00:00Z")
    in_group(1, "b")
    deliver(effect)
    assert ledger.all() == ["1"]


def test_a_head_that_failed_or_died_blocks(declare: Any, ledger: Any) -> None:
    def fail(n: int) -> None:
        raise outbox.Fatal

    handler = declare(fail, name="tests.fail")
    first = enqueue(handler="tests.fail", args={"n": 0}, group="g")
    in_group(1)
    deliver(handler, first)
    assert groups.promote("g") is False
    assert states() == {0: "dead", 1: "parked"}


@pytest.mark.parametrize("end", ["cancel", "discard", "expire"])
def test_a_head_that_is_given_up_makes_room(effect: Any, end: str) -> None:
    head = in_group(0)
    in_group(1)
    if end == "cancel":
        with transaction.atomic():
            assert outbox.cancel(head.id, reason="not wanted")
    elif end == "discard":
        Message.objects.filter(id=head.id).update(state="dead", finished_at=head.created_at)
        assert outbox.discard(head.id, reason="hopeless", actor="ann")
    else:
        Message.objects.filter(id=head.id).update(expires_at=head.created_at)
        deliver(effect, head)
    assert states()[1] in ("pending", "done")


def test_a_redriven_message_that_was_passed_over_goes_to_the_end(effect: Any, ledger: Any) -> None:
    head = in_group(0)
    in_group(1)
    with transaction.atomic():
        outbox.cancel(head.id, reason="not now")
    outbox.redrive(head.id, actor="ann")
    assert states() == {0: "parked", 1: "pending"}
    drain(effect)
    assert ledger.all() == ["1", "0"]


def test_a_redriven_head_keeps_its_place(declare: Any, ledger: Any) -> None:
    broken = [True]

    def effect(n: int) -> None:
        if n == 0 and broken:
            raise outbox.Fatal
        ledger.add(str(n))

    handler = declare(effect)
    head = in_group(0)
    in_group(1)
    deliver(handler)
    broken.clear()
    outbox.redrive(head.id, actor="ann")
    drain(handler)
    assert ledger.all() == ["0", "1"]


def test_the_relay_repeats_a_promotion_that_was_lost(effect: Any) -> None:
    head = in_group(0)
    in_group(1)
    in_group(2, "other")
    Message.objects.filter(id=head.id).update(state="done", finished_at=head.created_at)
    assert groups.stalled() == ["g"]
    assert relay.run_once().promoted == 1
    assert states()[1] == "pending"


def test_an_enqueue_beside_the_end_of_the_head_is_never_forgotten(effect: Any, ledger: Any) -> None:
    """It parks behind a head that ends meanwhile: the promotion waits for its commit."""
    head = in_group(0)
    parked, finished = threading.Event(), threading.Event()

    def enqueue_slowly() -> None:
        with transaction.atomic():
            outbox.enqueue("tests.effect", args={"n": 1}, group="g")
            parked.set()
            finished.wait(10)

    thread = in_thread(enqueue_slowly)
    parked.wait(10)
    worker = in_thread(lambda: deliver(effect, head))
    while Message.objects.get(id=head.id).state != "done":
        pass
    finished.set()
    thread.join(10)
    worker.join(10)
    assert groups.stalled() == []
    make_due(*Message.objects.filter(state="pending"))
    deliver(effect)
    assert ledger.all() == ["0", "1"]


def test_an_open_transaction_that_enqueues_into_a_group_holds_up_no_relay(
    declare: Any, sent: list[Any], never_for_ever: None
) -> None:
    """It may be open for minutes, and the relay rings for all handlers."""
    declare(lambda: None, name="tests.other")
    head = in_group(0)
    in_group(1)
    make_due(enqueue(handler="tests.other"))
    Message.objects.filter(id=head.id).update(state="done", finished_at=head.created_at)
    sent.clear()
    with another_session() as other, other.transaction():
        other.execute("SELECT FROM outbox_group FOR UPDATE")
        found = relay.run_once()
    assert (found.promoted, found.dispatched) == (0, 1)
    assert relay.run_once().promoted == 1


def test_an_end_waits_a_moment_for_whoever_enqueues_and_no_longer(
    never_for_ever: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = [in_group(0, name) for name in "abc"]
    for name in "abc":
        in_group(1, name)
    hold, milliseconds = groups._hold, []

    def note(name: str, patience: float) -> bool:
        milliseconds.append(int(patience * 1000))
        return hold(name, patience)

    monkeypatch.setattr(groups, "_hold", note)
    with another_session() as other, other.transaction():
        other.execute("SELECT FROM outbox_group FOR UPDATE")
        with transaction.atomic():
            for head in heads:
                outbox.cancel(head.id, reason="not wanted")
    assert [left > 0 for left in milliseconds] == [True, False, False], "one moment for all"
    assert runs.GRACE.total_seconds() > runs.LONGEST_UNHELD + groups.PATIENCE
    assert groups.stalled() == ["a", "b", "c"]
    assert relay.run_once().promoted == 3


def test_a_promotion_does_not_wait_for_whoever_cancels_the_next_message(
    never_for_ever: None,
) -> None:
    """Who enqueues into the group besides would wait for the promotion in turn: a deadlock."""
    head, second = in_group(0), in_group(1)
    in_group(2)
    Message.objects.filter(id=head.id).update(state="done", finished_at=head.created_at)
    cancelled, looked = threading.Event(), threading.Event()

    def cancel_and_enqueue() -> None:
        with transaction.atomic():
            outbox.cancel(second.id, reason="not wanted")
            cancelled.set()
            looked.wait(10)
            outbox.enqueue("tests.effect", args={"n": 3}, group="g")

    thread = in_thread(cancel_and_enqueue)
    assert cancelled.wait(10)
    assert groups.promote("g") is False
    looked.set()
    thread.join(10)
    assert states() == {0: "done", 1: "cancelled", 2: "pending", 3: "parked"}


def test_a_promotion_that_fails_is_the_relays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    head = in_group(0)
    in_group(1)
    with monkeypatch.context() as broken, transaction.atomic():
        broken.setattr(groups, "promote", lambda name, **_: 1 / 0)
        outbox.cancel(head.id, reason="not wanted")
    assert "Error calling _Promotions" in caplog.text
    assert relay.run_once().promoted == 1


def test_who_is_next_is_not_read_from_a_replica(settings: Any) -> None:
    """It lags: what was parked or promoted a moment ago is not there yet."""
    head = in_group(0)
    settings.DATABASE_ROUTERS = [ReadsFromAReplica()]
    with transaction.atomic():
        outbox.enqueue("tests.effect", args={"n": 1}, group="g")
        outbox.cancel(head.id, reason="not wanted")
    settings.DATABASE_ROUTERS = []
    assert states() == {0: "cancelled", 1: "pending"}


def test_a_group_whose_row_is_gone_has_nobody_to_promote() -> None:
    assert groups.promote("nobody has heard of it") is False


def test_a_long_group_behind_a_blocked_head_costs_the_claim_nothing(effect: Any) -> None:
    """Successors are outside the index of due messages: the claim reads none of them."""
    in_group(0)
    Message.objects.update(due_at="2100-01-01T00:00:00Z")
    with transaction.atomic():
        for n in range(1, 50):
            outbox.enqueue("tests.effect", args={"n": n}, group="g")
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SET enable_bitmapscan = off")
        values = {"id": ids.uuid7(), "handler": "tests.effect", "size": 10, "targets": []}
        values |= {"worker": "test:1", "task_id": "", "due_at": None, "first": None, "own": None}
        cursor.execute(f"EXPLAIN (ANALYZE) {claims._OPEN_NEXT}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
        cursor.execute("RESET enable_bitmapscan")
    assert re.search(r"outbox_message_due on outbox_message .*actual .*rows=0", plan), plan
    assert plan.count(" on outbox_message ") == 1, plan


def test_the_number_is_once_per_group() -> None:
    from django.db import IntegrityError

    first, second = in_group(0), in_group(1)
    with pytest.raises(IntegrityError, match="outbox_message_number_once_per_group"):
        Message.objects.filter(id=second.id).update(group_seq=first.group_seq)
    assert timedelta(0) <= second.created_at - first.created_at
