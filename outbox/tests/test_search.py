"""Search finds a message by whatever somebody has in hand, and goes on where it stopped."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from outbox.models import Event, Message
from outbox.monitoring import search, sources
from outbox.monitoring.search import Query

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _known(declare: Callable[..., object]) -> None:
    declare(lambda **_: None, "tests.effect", queue="critical")
    declare(lambda **_: None, "tests.other")


def make(handler: str = "tests.effect", state: str = "pending", **more: object) -> Message:
    finished = {} if state in Message.WAITING else {"finished_at": timezone.now()}
    made = {"operation_id": uuid4(), **finished, **more}
    return Message.objects.get(pk=Message.objects.create(handler=handler, state=state, **made).pk)


def found(**query: object) -> set[object]:
    return {message.pk for message in search.find(Query(**query)).messages}


def test_by_id_operation_key_group_and_part_of_an_argument_or_error() -> None:
    one = make(key="order:1", args={"order_id": "blue-17"}, group="lane", group_seq=1)
    dead = make(state="dead", last_error="Fatal: the lamp is gone", task_id="task-9")
    make(args={"order_id": "red"})
    for text in (one.pk, one.operation_id, "order:1", "lane", "blue-17"):
        assert found(text=str(text)) == {one.pk}, text
    assert found(text="lamp is") == found(text="task-9") == {dead.pk}
    assert found(text="50%") == found(text="zebra") == set()
    assert search.find(Query(text=str(one.pk))).exact


def test_by_state_handler_and_queue() -> None:
    due, later = make(), make(due_at=Now() + timedelta(hours=1))
    failing, other = make(attempts=1), make("tests.other", state="done")
    parked = make(state="parked", group="lane", group_seq=2)
    assert found(state="due") == {due.pk, failing.pk}
    assert found(state="later") == {later.pk}
    assert found(state="failing") == {failing.pk}
    assert found(state="done") == found(handler="tests.other") == found(queue="default")
    assert found(queue="default") == {other.pk}
    assert found(state="parked", queue="critical") == {parked.pk}
    assert found(state="due", handler="tests.other") == set()


def test_what_happened_in_a_minute() -> None:
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(hours=1)
    at = minute + timedelta(seconds=59)
    done, dead = make(state="done", finished_at=at), make(state="dead", finished_at=at)
    Event.objects.create(message=dead, kind="dead", at=at)
    make(state="done", finished_at=minute + timedelta(minutes=1))
    assert found(happened="done", minute=minute) == {done.pk}
    assert found(happened="dead", minute=minute) == {dead.pk}
    this = timezone.now().replace(second=0, microsecond=0)
    assert done.pk in found(happened="created", minute=this) | found(
        happened="created", minute=this - timedelta(minutes=1)
    )


@pytest.mark.parametrize(
    "query",
    [{}, {"state": "due"}, {"state": "dead"}, {"state": "parked"}, {"text": "e"}],
    ids=str,
)
def test_pages_follow_one_another_and_hold_each_message_once(query: dict[str, str]) -> None:
    state = query.get("state", "dead").replace("due", "pending")
    for number in range(7):
        place = {"group": f"g{number}", "group_seq": 1} if state == "parked" else {}
        make(state=state, last_error="e", **place)
    seen, after = [], ""
    for _ in range(3):
        page = search.find(Query(**query), after, most=3)
        seen += [message.pk for message in page.messages]
        after = page.after
    assert after == ""
    assert len(seen) == len(set(seen)) == 7


def test_a_search_that_finds_nothing_among_so_many_says_where_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = make(args={"who": "needle"})
    for _ in range(5):
        make()
    monkeypatch.setattr(sources, "SCANNED", 3)
    first = search.find(Query(text="needle"))
    assert first.messages == []
    assert first.reached is not None
    assert [one.pk for one in search.find(Query(text="needle"), first.after).messages] == [
        wanted.pk
    ]
    assert search.matching(Query(text="needle"), most=9) == [wanted.pk]


@pytest.mark.parametrize("after", ["[]", "[1]", "{", '["x"]', '["x", "y"]', "null", '[["a"]]'])
def test_a_forged_cursor_is_the_beginning(after: str) -> None:
    make()
    assert len(search.find(Query(), after).messages) == 1


@pytest.mark.parametrize(
    "after", ['["g", "99999999999999999999"]', '["\\ud800", "1"]', "[" * 9_999]
)
def test_so_is_one_that_no_group_can_have(after: str) -> None:
    make(state="parked", group="lane", group_seq=1)
    assert len(search.find(Query(state="parked"), after).messages) == 1
