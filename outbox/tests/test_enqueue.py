import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import timezone as tz
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

import outbox
from outbox import context
from outbox.models import Message
from outbox.tests.conftest import enqueue


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda **args: ledger.add(str(args)))


def test_refuses_to_enqueue_outside_a_transaction() -> None:
    with pytest.raises(outbox.NotInTransaction, match="atomic"):
        outbox.enqueue("tests.effect", args={})
    assert not Message.objects.exists()


def test_a_message_is_rolled_back_with_its_business_rows(ledger: Any, sent: list[Any]) -> None:
    def place_and_fail() -> None:
        with transaction.atomic():
            ledger.add("business")
            outbox.enqueue("tests.effect", args={})
            raise LookupError

    with pytest.raises(LookupError):
        place_and_fail()
    assert (ledger.all(), Message.objects.count(), sent) == ([], 0, [])


def test_nothing_is_dispatched_before_the_commit(sent: list[Any]) -> None:
    with transaction.atomic():
        enqueued = outbox.enqueue("tests.effect", args={})
        assert sent == []
    assert sent == [("tests.effect", [str(enqueued.message_id)])]


def test_a_rolled_back_savepoint_takes_its_dispatch_along(sent: list[Any]) -> None:
    with transaction.atomic():
        kept = outbox.enqueue("tests.effect", args={})
        with transaction.atomic():
            outbox.enqueue("tests.effect", args={})
            transaction.set_rollback(True)
    assert sent == [("tests.effect", [str(kept.message_id)])]


def test_a_later_message_is_left_to_the_relay(sent: list[Any]) -> None:
    enqueue(due_at=timezone.now() + timedelta(hours=1))
    assert sent == []


def test_a_commit_sends_at_most_eight_dispatches_per_handler(sent: list[Any]) -> None:
    with transaction.atomic():
        ids = outbox.enqueue_many("tests.effect", ({"n": n} for n in range(1_000)))
    assert len(ids) == Message.objects.count() == 1_000
    in_claim_order = Message.objects.in_claim_order()
    assert list(in_claim_order.values_list("args__n", flat=True)) == list(range(1_000))
    assert [len(named) for _, named in sent] == [125] * 8


def test_so_does_one_whose_every_call_has_a_savepoint(declare: Any, sent: list[Any]) -> None:
    """A service brings its own atomic(), and a loop in one transaction calls it."""
    declare(lambda: None, name="tests.other")
    with transaction.atomic():
        first = [_in_a_savepoint("tests.effect") for _ in range(50)][:8]
        with transaction.atomic():
            _in_a_savepoint("tests.effect")
            transaction.set_rollback(True)
        _in_a_savepoint("tests.other")
        outbox.enqueue("tests.effect", args={})
    assert sent == [*(("tests.effect", [one]) for one in first), sent[-1]]
    assert sent[-1][0] == "tests.other"
    sent.clear()
    enqueue()
    assert len(sent) == 1, "the next transaction has eight of its own"


def _in_a_savepoint(handler: str) -> str:
    with transaction.atomic():
        return str(outbox.enqueue(handler, args={}).message_id)


def test_what_is_written_by_sql_is_what_the_model_would_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every column: the statement has its own list of them."""
    monkeypatch.setattr("outbox.enqueueing.AT_ONCE", 2)
    args = [{"n": n, "text": "é \\ \" ' % {} \U0001f600"} for n in range(5)]
    later = timezone.now() + timedelta(hours=1)
    for times in ({}, {"due_at": later, "expires_at": later}):
        with outbox.operation() as operation, transaction.atomic():
            ids = outbox.enqueue_many("tests.effect", iter(args), **times)
            ids.append(outbox.enqueue("tests.effect", args=args[0], **times).message_id)
            trace = context.current_traceparent(operation)
            saved = Message.objects.create(
                handler="tests.effect", operation_id=operation, traceparent=trace, **times
            )
        columns = dict(rows((*ids, saved.id)))
        assert [columns[key].pop("args") for key in ids] == [*args, args[0]]
        expected = columns.pop(saved.id)
        expected.pop("args")
        assert list(columns.values()) == [expected] * 6
        assert len(set(ids)) == len(columns) == 6


def test_a_swallowed_failure_of_the_database_is_not_committed(
    monkeypatch: pytest.MonkeyPatch, ledger: Any
) -> None:
    """PostgreSQL answers such a COMMIT with ROLLBACK, without an error: hooks would run."""
    monkeypatch.setattr("outbox.enqueueing._INSERT", "SELECT 1 / 0")
    ran = []
    with transaction.atomic():
        transaction.on_commit(lambda: ran.append("hook"))
        with pytest.raises(DataError):
            outbox.enqueue("tests.effect", args={})
        assert connection.needs_rollback
    assert not ran


def rows(ids: Sequence[UUID]) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """Their columns; a moment of the database's clock only as how far it lies from now."""
    now = timezone.now()
    for row in Message.objects.filter(id__in=ids).values():
        for moment in ("due_at", "created_at"):
            row[moment] = round((row[moment] - now) / timedelta(minutes=1))
        row["traceparent"] = row["traceparent"][: len("00-") + 32]  # each call is a span of its own
        yield row.pop("id"), row


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"when": datetime(2026, 1, 1)}, "plain JSON"),
        ({"price": float("nan")}, "plain JSON"),
        ({"text": "x" * 9_000}, "limit of 8,192"),
        (["a", "list"], "dict"),
        ({1: "number as name"}, "dict"),
        ({"rows": [{7: "number as name"}]}, "the name 7 would become a string"),
        ({"text": "a\x00b"}, "no NUL"),
        ({"text": ["half of a pair: \ud800"]}, "surrogates"),
        ({"\x00": 1}, "no NUL"),
        (deep(2_000), "plain JSON"),
    ],
)
def test_refuses_arguments_that_are_no_small_json(args: Any, says: str) -> None:
    with pytest.raises(outbox.InvalidArguments, match=says), transaction.atomic():
        outbox.enqueue("tests.effect", args=args)
    assert not Message.objects.exists()


def test_text_that_only_looks_odd_is_stored_as_it_is() -> None:
    args = {"text": "\\u0000 \\ud800 \U0001f600 é", "rows": [[1, None], {"a": 1.5}]}
    assert enqueue(args=args).args == args


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("key", 7),
        ("group", 7),
        ("unique", "forever"),
        ("operation_id", "0" * 32),
        ("due_at", "2026-01-01"),
        ("expires_at", date(2026, 1, 1)),
    ],
)
def test_refuses_an_option_of_another_type(option: str, value: Any) -> None:
    with (
        pytest.raises(TypeError, match=f"^{option} is .*not {re.escape(repr(value))}"),
        transaction.atomic(),
    ):
        outbox.enqueue("tests.effect", args={}, **{"key": "k"} | {option: value})
    with pytest.raises(TypeError, match=r"^operation_id is"), transaction.atomic():
        outbox.enqueue_many("tests.effect", [{}], operation_id="0" * 32)  # type: ignore[arg-type]


def test_refuses_an_unknown_handler() -> None:
    with pytest.raises(outbox.UnknownHandler, match=r"tests\.effect"), transaction.atomic():
        outbox.enqueue("tests.misspelt", args={})


@pytest.mark.parametrize("option", ["due_at", "expires_at"])
def test_refuses_a_time_without_zone(option: str) -> None:
    with pytest.raises(ValueError, match="time zone"), transaction.atomic():
        outbox.enqueue("tests.effect", args={}, **{option: datetime(2030, 1, 1)})


@pytest.mark.parametrize("option", ["due_at", "expires_at"])
def test_refuses_a_time_that_could_not_be_read_again(option: str) -> None:
    late = datetime(9999, 12, 31, 23, tzinfo=tz(timedelta(hours=-12)))
    with pytest.raises(ValueError, match="years 1 to 9999"), transaction.atomic():
        outbox.enqueue("tests.effect", args={}, **{option: late})
    assert enqueue(expires_at=datetime.max.replace(tzinfo=UTC)).expires_at.year == 9999


def test_refuses_an_expiry_before_the_due_time() -> None:
    now = timezone.now()
    with pytest.raises(ValueError, match="before due_at"), transaction.atomic():
        outbox.enqueue("tests.effect", args={}, due_at=now, expires_at=now - timedelta(seconds=1))


def no_trace() -> str:
    raise LookupError("the tracer is not set up")


@pytest.mark.parametrize("group", ["", "x" * 201, 7, None])
def test_a_refused_message_leaves_no_key_behind(
    group: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever catches that and commits would have a key that stands for no message, for ever."""
    refused = (outbox.InvalidArguments, TypeError, LookupError)
    with monkeypatch.context() as patch, transaction.atomic():
        patch.setattr("outbox.context._tracer", no_trace if group is None else str)
        with pytest.raises(refused):
            outbox.enqueue("tests.effect", args={}, key="k", group=group)
    with transaction.atomic():
        assert outbox.enqueue("tests.effect", args={}, key="k", group="g").created
    assert Message.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "line\nbreak"])
def test_refuses_an_unprintable_or_endless_key(key: str) -> None:
    with pytest.raises(outbox.InvalidArguments, match="key"), transaction.atomic():
        outbox.enqueue("tests.effect", args={}, key=key)


def test_children_of_an_operation_carry_its_id() -> None:
    with outbox.operation() as operation_id:
        message = enqueue()
    assert message.operation_id == operation_id


@pytest.mark.parametrize("call", ["delay", "apply_async"])
def test_a_handler_cannot_be_published_past_the_outbox(effect: Any, call: str) -> None:
    with pytest.raises(outbox.errors.DirectCall, match=r"outbox\.enqueue"):
        getattr(effect, call)()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'running', finished_at = now()", "outbox_message_state_is_known"),
        ("state = 'done'", "outbox_message_has_finish_time_when_ended"),
        ("finished_at = now()", "outbox_message_has_finish_time_when_ended"),
        ("\"group\" = 'g'", "outbox_message_has_group_and_number_or_neither"),
    ],
)
def test_the_database_refuses_half_states(change: str, constraint: str) -> None:
    message = enqueue()
    with pytest.raises(IntegrityError, match=constraint), connection.cursor() as cursor:
        cursor.execute(f"UPDATE outbox_message SET {change} WHERE id = %s", [message.id])
