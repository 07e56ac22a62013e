"""The figures of each minute: counted from what happened, never falling, kept as sums."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

import outbox
from outbox.models import Event, Message
from outbox.monitoring import deliveries, flow
from outbox.monitoring.measure import measure
from outbox.monitoring.models import Minute
from outbox.tests.conftest import deliver, enqueue

pytestmark = pytest.mark.django_db(transaction=True)


def totals() -> dict[str, float]:
    (one,) = flow.totals()
    return one.sums


def test_what_came_was_done_failed_and_died_is_counted_once(declare: Callable[..., object]) -> None:
    def effect(*, how: str) -> None:
        if how != "well":
            raise outbox.Fatal(how)

    handler = declare(effect)
    for how in ("well", "well", "badly"):
        deliver(handler, enqueue(args={"how": how}))
    enqueue(args={"how": "later"}, due_at=timezone.now() + timedelta(hours=1))
    for _ in range(2):
        assert measure()
    sums = totals()
    assert {name: sums[name] for name in ("created", "done", "failed", "dead")} == {
        "created": 4,
        "done": 2,
        "failed": 1,
        "dead": 1,
    }
    assert sum(flow.totals()[0].latencies) == 2
    assert 0 < sums["run_sum"] <= sums["latency_sum"] < 10
    (failure,) = [one for one in flow.failures() if one.kind == "dead"]
    assert (failure.handler, failure.error, failure.count) == ("tests.effect", "Fatal", 1)
    assert flow.rate_now().into >= 0.4


def test_what_was_counted_stays_when_its_messages_are_gone(declare: Callable[..., object]) -> None:
    deliver(declare(lambda: None), enqueue())
    measure()
    Message.objects.all().delete()
    measure()
    assert totals()["done"] == sum(flow.totals()[0].latencies) == 1


def test_old_minutes_become_one_row_and_the_sums_stay() -> None:
    for hours in (0, 26, 27, 28):
        at = timezone.now().replace(second=0, microsecond=0) - timedelta(hours=hours)
        Minute.objects.create(minute=at, handler="tests.effect", done=3, latencies=[3, *[0] * 15])
    for _ in range(2):
        measure()
    assert Minute.objects.count() == 2
    assert totals()["done"] == flow.totals()[0].latencies[0] == 12
    assert [one.done for one in flow.minutes()] == [3]


@pytest.mark.usefixtures("counts")
def test_rows_are_taken_in_the_order_in_which_deliveries_are_written(
    declare: Callable[..., object],
) -> None:
    """In two orders, a worker and whoever counts could each hold what the other waits for."""
    names = [f"tests.{first}{n}" for n in range(40) for first in ("b", "A", "_", "ä")]
    for name in names:
        declare(lambda: None, name=name)
        enqueue(handler=name)
        deliveries._counts.add(name, 0)
    measure()
    with connection.cursor() as cursor:
        cursor.execute("SELECT minute, handler FROM outbox_minute ORDER BY ctid")
        taken = cursor.fetchall()
    written = deliveries._counts.rest()
    assert (taken, written) == (sorted(taken), sorted(written))
    assert len(taken) == len(names)


def test_only_one_counts_at_a_time() -> None:
    from outbox.monitoring import measure as module

    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [module.LOCK])
    assert measure() is False
    # Closing would do as well, a moment later: the server ends a session after its client.
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [module.LOCK])
    other.close()
    assert measure() is True


def test_percentiles_are_read_off_a_histogram() -> None:
    assert flow.percentile([0] * 16, 0.5) is None
    assert flow.percentile([0, 10, *[0] * 14], 0.5) == pytest.approx(0.0075)
    assert flow.percentile([0] * 15 + [1], 0.99) == 1800
    assert flow.add_up([[1, 2], [3, 4]]) == [4, 6]


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_counts", deliveries._Counts())


def receive(handler: str, result: object, ids: list[str], task_id: str = "second") -> None:
    request = SimpleNamespace(args=[ids], id=task_id, hostname="worker@test")
    deliveries.received(SimpleNamespace(name=handler, request=request), result)


@pytest.mark.usefixtures("counts")
def test_a_refused_delivery_is_counted_and_told_of_in_the_story(
    declare: Callable[..., object],
) -> None:
    message = enqueue() if declare(lambda: None) else None
    deliver(outbox.handlers.get("tests.effect"), message)
    receive("tests.effect", {"done": 0, "refused": 1}, [str(message.pk)])
    told = Event.objects.get(kind="refused")
    assert (told.task_id, told.error) == ("second", "Its effect has happened already.")
    assert [one.kind for one in outbox.selectors.story(message.pk)][-1] == "refused"
    assert (totals()["deliveries"], totals()["refused"]) == (1, 1)


@pytest.mark.usefixtures("counts")
def test_a_storm_of_deliveries_is_counted_in_a_few_statements(
    declare: Callable[..., object], django_assert_max_num_queries: Callable[..., object]
) -> None:
    declare(lambda: None)
    with django_assert_max_num_queries(deliveries.MOST_TOLD + 3):
        for number in range(200):
            receive("tests.effect", {"refused": 1}, ["no id"], str(number))
    deliveries._write_rest()
    assert totals()["refused"] == totals()["deliveries"] == 200


@pytest.mark.usefixtures("counts")
@pytest.mark.parametrize("result", [None, 3, {"refused": "x"}, {"refused": 1}])
def test_nonsense_fails_no_job(result: object, declare: Callable[..., object]) -> None:
    declare(lambda: None)
    receive("tests.effect", result, ["x"])
    receive("unknown", result, ["x"])
    deliveries.received(None, result)
