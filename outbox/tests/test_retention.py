from typing import Any

import pytest
from django.db import transaction

import outbox
from outbox import retention
from outbox.models import Event, Message, StoredAnswer
from outbox.tasks import prune
from outbox.tests.conftest import deliver

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
