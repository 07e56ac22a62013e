"""A backlog of 10,000: an ordinary handler commits one by one for a time slice, a batch handler
commits whole batches."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

import outbox
from outbox.models import Message
from outbox.tests.conftest import deliver

BACKLOG = 10_000


def transaction_id() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        return str(cursor.fetchone()[0])


def enqueue_backlog(name: str) -> None:
    with transaction.atomic():
        outbox.enqueue_many(name, ({"n": n} for n in range(BACKLOG)))
    assert Message.objects.count() == BACKLOG


def test_an_ordinary_dispatch_ends_with_its_slice_and_each_effect_is_a_commit(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbox.consumer.TIME_SLICE", timedelta(seconds=0.5))
    handler = declare(lambda n: ledger.add(transaction_id()), name="tests.one")
    enqueue_backlog("tests.one")
    done = deliver(handler).done
    assert 1 < done < BACKLOG
    assert len(set(ledger.all())) == len(ledger.all()) == done


def test_a_batch_dispatch_commits_batch_by_batch(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def together(messages: list[Message]) -> None:
        batches[transaction_id()] += len(messages)

    monkeypatch.setattr("outbox.consumer.TIME_SLICE", timedelta(minutes=1))
    batches: Counter[str] = Counter()
    handler = declare(together, name="tests.batch", batch_size=500)
    enqueue_backlog("tests.batch")
    assert deliver(handler).done == BACKLOG
    assert list(batches.values()) == [500] * 20
    assert not Message.objects.exclude(state="done").exists()


@pytest.mark.django_db
def test_the_queues_tables_are_vacuumed_early() -> None:
    """Autovacuum's default waits until a fifth of a table is dead, or for ever beside few rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE relname = ANY(%s)",
            [["outbox_message", "outbox_run"]],
        )
        options = dict(cursor.fetchall())
    assert options == {
        "outbox_message": ["autovacuum_vacuum_scale_factor=0.01"],
        "outbox_run": ["autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=500"],
    }
