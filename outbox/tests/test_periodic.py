from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from outbox import periodic
from outbox.models import IdempotencyKey, Message
from outbox.periodic import Schedule


@pytest.fixture(autouse=True)
def nightly(declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(periodic, "_schedules", {})
    declare(lambda: None, name="tests.nightly")
    periodic.register(handler="tests.nightly", every=timedelta(days=1), offset=timedelta(hours=3))
    return monkeypatch


def at(monkeypatch: pytest.MonkeyPatch, day: int, hour: int) -> None:
    moment = datetime(2030, 1, day, hour, tzinfo=UTC)
    monkeypatch.setattr(periodic, "database_time", lambda: moment)


def test_however_often_it_ticks_a_slot_runs_once(nightly: pytest.MonkeyPatch) -> None:
    at(nightly, 1, 4)
    assert [periodic.tick() for _ in range(3)] == [1, 0, 0]
    assert Message.objects.count() == 1


def test_the_next_slot_is_another_run(nightly: pytest.MonkeyPatch) -> None:
    at(nightly, 1, 4)
    periodic.tick()
    at(nightly, 2, 2)
    assert periodic.tick() == 0, "before the offset it is still yesterday's slot"
    at(nightly, 2, 3)
    assert periodic.tick() == 1


def test_missed_slots_are_caught_up_once(nightly: pytest.MonkeyPatch) -> None:
    at(nightly, 1, 4)
    periodic.tick()
    at(nightly, 9, 12)
    assert [periodic.tick(), periodic.tick()] == [1, 0]


def test_a_schedule_that_cannot_be_enqueued_stops_no_other(
    declare: Any, caplog: pytest.LogCaptureFixture
) -> None:
    declare(lambda: None, name="a" * 200)  # its key is longer than a key may be
    declare(lambda: None, name="tests.endless")  # its keys would lapse after the end of time
    for name in ("a" * 200, "tests.endless", "tests.misspelt"):
        every = timedelta.max if name == "tests.endless" else timedelta(days=1)
        periodic.register(handler=name, every=every)
    assert [periodic.tick(), periodic.tick()] == [1, 0]
    assert Message.objects.get().handler == "tests.nightly"
    assert caplog.text.count("a schedule was not enqueued") == 2 * 3


def test_a_schedule_that_the_database_refuses_stops_no_other(
    nightly: pytest.MonkeyPatch, declare: Any
) -> None:
    """In a transaction of the caller's, too: the refused one is undone by itself."""
    declare(lambda: None, name="tests.before")
    periodic.register(handler="tests.before", every=timedelta(days=1))
    really = periodic.enqueue

    def refuse(handler: str, **options: Any) -> Any:
        if handler == "tests.before":
            ask("SELECT 1 / 0")
        return really(handler, **options)

    nightly.setattr(periodic, "enqueue", refuse)
    with transaction.atomic():
        assert periodic.tick() == 1
    assert Message.objects.get().handler == "tests.nightly"


def ask(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_slot_is_known_for_longer_than_it_lasts(nightly: pytest.MonkeyPatch) -> None:
    periodic.register(handler="tests.nightly", every=timedelta(days=365))
    periodic.tick()
    left = IdempotencyKey.objects.get().until - timezone.now()
    assert left > timedelta(days=366)


@pytest.mark.parametrize("every", [timedelta(0), timedelta(days=-1)])
def test_a_slot_has_a_length(every: timedelta) -> None:
    with pytest.raises(ValueError, match=r"tests\.nightly .* above zero"):
        periodic.register(handler="tests.nightly", every=every)


@pytest.mark.parametrize(
    ("moment", "slot"),
    [((2030, 1, 2, 2, 59), (2030, 1, 1, 3)), ((2030, 1, 2, 3, 0), (2030, 1, 2, 3))],
)
def test_a_slot_begins_at_its_offset(moment: tuple[int, ...], slot: tuple[int, ...]) -> None:
    schedule = Schedule(handler="x", every=timedelta(days=1), offset=timedelta(hours=3))
    assert schedule.slot(datetime(*moment, tzinfo=UTC)) == datetime(*slot, tzinfo=UTC)  # type: ignore[misc,arg-type]
