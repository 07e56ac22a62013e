"""A claim begins to look where its dispatch says: entries of finished rows are passed by."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

import outbox
from outbox import claims, consumer, ids, relay
from outbox.delivery import Delivery
from outbox.models import Message
from outbox.position import Position
from outbox.tests.conftest import HERE, another_session, deliver, drain, enqueue, make_due

FINISHED = 3_000


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda messages: ledger.add(f"{len(messages)}"), batch_size=500)


@pytest.fixture
def finished_beside_an_old_transaction(effect: Any) -> Iterator[None]:
    """Index entries that nobody may remove: an older snapshot could still want their rows."""
    with another_session() as other, other.transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM outbox_message LIMIT 1")
        with transaction.atomic():
            an_hour_ago = timezone.now() - timedelta(hours=1)
            outbox.enqueue_many(
                "tests.effect", ({"n": n} for n in range(FINISHED)), due_at=an_hour_ago
            )
        assert drain(effect) == FINISHED
        yield


@pytest.mark.usefixtures("finished_beside_an_old_transaction")
def test_a_claim_with_a_beginning_reads_little_beside_an_old_transaction() -> None:
    message = enqueue()
    begin = Position(message.due_at, message.id)
    without, with_begin = _pages_read(None), _pages_read(begin)
    assert with_begin * 5 < without, (with_begin, without)


@pytest.mark.usefixtures("finished_beside_an_old_transaction")
def test_so_does_one_that_only_knows_its_own_message() -> None:
    message = enqueue()
    assert _pages_read(None, own=message.id) * 5 < _pages_read(None)


def test_what_became_due_before_the_beginning_is_left_to_the_relay(
    effect: Any, ledger: Any, sent: list[Any], begins: list[Any]
) -> None:
    """A commit that came late lies before where the workers are looking by now."""
    late, early = enqueue(), enqueue()
    make_due(late)
    begin = Position(early.due_at, early.id)
    consumer.consume(effect, [], Delivery(worker="test:1", begin=begin))
    assert Message.objects.get(id=late.id).state == "pending"
    relay.run_once()
    consumer.consume(effect, [], Delivery(worker="test:1", begin=begins[-1]))
    assert ledger.all() == ["1", "1"]


def test_a_dispatch_takes_along_what_was_made_a_moment_before_its_own_message(
    effect: Any, ledger: Any
) -> None:
    enqueue(), enqueue()
    deliver(effect, enqueue())
    assert ledger.all() == ["1", "2"]


def test_a_long_backlog_moves_the_beginning_along(
    effect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        outbox.enqueue_many("tests.effect", ({"n": n} for n in range(1_500)))
    begins: list[Position | None] = []
    opened = claims.open_next

    def note(handler: Any, delivery: Any, begin: Any, *rest: Any) -> Any:
        begins.append(begin)
        return opened(handler, delivery, begin, *rest)

    monkeypatch.setattr(claims, "open_next", note)
    deliver(effect)
    assert begins[0] is None
    assert begins[1:] == sorted(set(begins[1:]))
    assert len(begins) == 4


@pytest.mark.parametrize("text", [None, "", "x", "2026-01-01T00:00:00Z", "2026-01-01 x", 7, {}])
def test_a_forged_beginning_means_the_beginning(text: object) -> None:
    assert Position.parse(text) is None


def test_a_position_survives_the_broker() -> None:
    position = Position(timezone.now(), ids.uuid7())
    assert Position.parse(str(position)) == position


@pytest.fixture
def begins(monkeypatch: pytest.MonkeyPatch, sent: list[Any]) -> list[Any]:
    """The beginnings that the relay's dispatches carried."""
    from outbox import dispatch

    carried: list[Any] = []

    def note(handler: Any, ids: Any = (), begin: Any = None) -> bool:
        carried.append(begin)
        return True

    monkeypatch.setattr(dispatch, "send", note)
    return carried


def _pages_read(begin: Position | None, own: UUID | None = None) -> int:
    """Pages that the claim touched, by PostgreSQL's own count."""
    due_at, first = begin or (None, None)
    values = {"id": ids.uuid7(), "handler": "tests.effect", "size": 500, "own": own, "targets": []}
    values |= {"worker": HERE.worker, "task_id": "", "due_at": due_at, "first": first}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {claims._OPEN_NEXT}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
        transaction.set_rollback(True)
    scan = re.search(r"outbox_message_due on outbox_message.*?Buffers: shared (.*?)\n", plan, re.S)
    assert scan, plan
    return sum(int(number) for number in re.findall(r"=(\d+)", scan[1]))
