from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

import outbox
from outbox import retention
from outbox.models import Event, Group, IdempotencyKey, Message, StoredAnswer
from outbox.tasks import prune
from outbox.tests.conftest import another_session, deliver, drain, enqueue, make_due
from outbox.tests.test_keys import in_thread, wait_until_somebody_waits_for

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda **args: None)


def finished(state: str, count: int, moment: str = LONG_AGO) -> None:
    with transaction.atomic():
        ids = outbox.enqueue_many("tests.effect", ({} for _ in range(count)))
    Message.objects.filter(id__in=ids).update(state=state, finished_at=moment)


def test_what_ended_goes_after_its_time_and_nothing_else() -> None:
    finished("done", 2)
    finished("done", 1, "2099-01-01T00:00:00Z")
    finished("pending", 0)
    with transaction.atomic():
        waiting = outbox.enqueue("tests.effect", args={}).message_id
    assert retention.prune_batch() == 2
    assert Message.objects.filter(id=waiting).exists()
    assert Message.objects.count() == 2


def test_each_state_has_a_time_of_its_own(settings: Any) -> None:
    from datetime import timedelta

    settings.OUTBOX_RETENTION = {"dead": timedelta(days=36_500)}
    finished("dead", 1)
    finished("expired", 1)
    assert retention.prune_batch() == 1
    assert Message.objects.get().state == "dead"


def test_the_story_goes_with_its_message() -> None:
    finished("dead", 1)
    Event.objects.create(message=Message.objects.get(), kind="dead")
    assert retention.prune_batch() == 1
    assert not Event.objects.exists()


def test_pruning_goes_on_in_a_chain_of_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.retention.BATCH", 10)
    finished("done", 25)
    with transaction.atomic():
        outbox.enqueue("outbox.prune", args={})
    assert deliver(prune).done == 4  # three batches, and the look that finds nothing
    assert not Message.objects.filter(finished_at=LONG_AGO).exists()


def test_stored_answers_go_after_seven_days() -> None:
    answer = {"scope": "1", "endpoint": "/", "body_hash": "", "status": 201, "body": {}}
    StoredAnswer.objects.create(key="new", **answer)
    StoredAnswer.objects.create(key="old", **answer)
    StoredAnswer.objects.filter(key="old").update(created_at=LONG_AGO)
    assert retention.prune_batch() == 1
    assert StoredAnswer.objects.get().key == "new"


def test_a_redriven_message_finds_its_key_again(effect: Any) -> None:
    """Else the next request would be a second message beside it."""
    first = enqueue(key="k", unique=outbox.WHILE_PENDING)
    for state in ("dead", "expired", "cancelled", "discarded"):
        Message.objects.update(state=state, finished_at=timezone.now())
        retention.prune_batch()
        outbox.redrive(first.id, actor="ann")
        assert enqueue(key="k", unique=outbox.WHILE_PENDING).id == first.id, state
    make_due(first)
    assert drain(effect) == 1
    retention.prune_batch()
    assert not IdempotencyKey.objects.exists()


def test_a_key_that_is_handed_over_meanwhile_stays(
    effect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hand-over began before the pruning, and commits once that has found the old key."""
    deliver(effect, enqueue(key="k", unique=outbox.WHILE_PENDING))
    paused = "pg_advisory_xact_lock_shared(7) IS NOT NULL AND until < now()"
    found = retention._LAPSED_KEYS.replace("until < now()", paused)
    monkeypatch.setattr(retention, "_LAPSED_KEYS", found)
    with another_session() as gate:
        gate.execute("SELECT pg_advisory_lock(7)")
        with transaction.atomic():
            Message.objects.count()  # now() is when this began
            pruning = in_thread(retention.prune_batch)
            wait_until_somebody_waits_for(gate.info.backend_pid)
            outbox.enqueue("tests.effect", args={}, key="k", unique=outbox.WHILE_PENDING)
        gate.execute("SELECT pg_advisory_unlock(7)")
        pruning.join(10)
    assert IdempotencyKey.objects.get().message_id == Message.objects.get(state="pending").id


def test_a_group_goes_with_the_last_of_its_messages(effect: Any) -> None:
    for name in ("over", "over", "goes on", "goes on"):
        enqueue(group=name)
    drain(effect)
    Message.objects.update(finished_at=LONG_AGO)
    waits = enqueue(group="goes on")
    assert retention.prune_batch() == 4
    assert list(Group.objects.values_list("name", "last_seq")) == [("goes on", 3)]
    assert Message.objects.get().id == waits.id
    assert enqueue(group="over").group_seq == 1


def test_whoever_enqueues_into_a_group_does_not_wait_for_pruning(effect: Any) -> None:
    for _ in range(2):
        enqueue(group="g")
    drain(effect)
    Message.objects.filter(group_seq=1).update(finished_at=LONG_AGO)
    with transaction.atomic():
        assert retention.prune_batch() == 1
        with another_session() as other:
            other.execute("SELECT FROM outbox_group WHERE name = 'g' FOR UPDATE NOWAIT")


def test_a_group_that_somebody_joins_meanwhile_stays(
    effect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look that found it empty saw the past; the one under its lock does not."""
    enqueue(group="g")
    drain(effect)
    Message.objects.update(finished_at=LONG_AGO)
    paused = "pg_advisory_xact_lock_shared(7) IS NOT NULL AND name = ANY"
    found = retention._EMPTY_GROUPS.replace("name = ANY", paused)
    monkeypatch.setattr(retention, "_EMPTY_GROUPS", found)
    with another_session() as gate:
        gate.execute("SELECT pg_advisory_lock(7)")
        pruning = in_thread(retention.prune_batch)
        wait_until_somebody_waits_for(gate.info.backend_pid)
        waits = enqueue(group="g")
        gate.execute("SELECT pg_advisory_unlock(7)")
        pruning.join(10)
    assert list(Group.objects.values_list("name", "last_seq")) == [("g", 2)]
    assert Message.objects.get().id == waits.id


def test_a_dead_message_that_others_wait_behind_stays(effect: Any) -> None:
    """They would go on as if somebody had given it up."""
    head, behind = enqueue(group="g"), enqueue(group="g")
    Message.objects.filter(id=head.id).update(state="dead", finished_at=LONG_AGO)
    assert retention.prune_batch() == 0
    with transaction.atomic():
        outbox.cancel(behind.id, reason="not wanted")
    assert retention.prune_batch() == 1


def test_a_dead_message_stays_while_somebody_enqueues_behind_it(effect: Any) -> None:
    head = enqueue(group="g")
    Message.objects.filter(id=head.id).update(state="dead", finished_at=LONG_AGO)
    with transaction.atomic():
        outbox.enqueue("tests.effect", args={}, group="g")
        in_thread(retention.prune_batch).join(10)
    assert dict(Message.objects.values_list("group_seq", "state")) == {1: "dead", 2: "parked"}
