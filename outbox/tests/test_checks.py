from types import SimpleNamespace
from typing import Any

import pytest

from outbox.checks import (
    database_is_postgresql,
    everything_is_in_one_database,
    handlers_are_enqueued,
    nothing_is_left_unsafe,
    shortcuts_in,
)
from outbox.unsafe import unsafe_in


@pytest.mark.parametrize(
    "call", ["send.delay(1)", "tasks.send.apply_async()", "x = shop.tasks.send.s(id=1)"]
)
def test_finds_calls_that_go_past_the_outbox(call: str) -> None:
    assert [line for line, _ in shortcuts_in(f"import shop\n{call}\n", {"send"})] == [2]


@pytest.mark.parametrize("call", ["other.delay(1)", "send(order_id=1)", "send.function(1)"])
def test_leaves_other_calls_alone(call: str) -> None:
    assert list(shortcuts_in(call, {"send"})) == []


def test_this_project_is_clean() -> None:
    assert handlers_are_enqueued() == []
    assert nothing_is_left_unsafe() == []
    assert database_is_postgresql() == []
    assert everything_is_in_one_database() == []


def test_another_database_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite = SimpleNamespace(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}})
    monkeypatch.setattr("outbox.checks.settings", sqlite)
    assert [error.id for error in database_is_postgresql()] == ["outbox.E001"]


class ReadsFromAReplica:
    """The usual router for primary and replica."""

    def db_for_read(self, model: Any, **_: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **_: Any) -> str:
        return "default"


def test_a_router_that_leads_the_outbox_elsewhere_is_an_error(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [ReadsFromAReplica()]
    (error,) = everything_is_in_one_database()
    assert error.id == "outbox.E003"
    assert "outbox.Message" in error.msg


BLOCK = """
with transaction.atomic():
    order.save()
    {}
"""
DECORATED = """
@transaction.atomic
def place(order):
    {}
"""


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        (BLOCK.format("charge.delay(order.id)"), ["W001"]),
        (DECORATED.format("app.send_task('charge')"), ["W001"]),
        (BLOCK.format("transaction.on_commit(lambda: charge.delay(order.id))"), ["W002"]),
        (BLOCK.format("transaction.on_commit(partial(charge.delay, order.id))"), ["W002"]),
        ("charge.apply_async(countdown=60)", ["W003"]),
        (BLOCK.format("charge.apply_async((1,), eta=soon)"), ["W001", "W003"]),
        ("@shared_task(acks_late=True)\ndef charge(): ...", ["W004"]),
        ("@shared_task(acks_late=False)\ndef charge(): ...", []),
        ("charge.delay(1)", []),
        (BLOCK.format("outbox.enqueue('charge', args={})"), []),
        (BLOCK.format("charge.delay(order.id)  # unsafe on purpose"), []),
    ],
)
def test_tells_what_is_still_unsafe(source: str, ids: list[str]) -> None:
    assert [found.id.removeprefix("outbox.") for found in unsafe_in(source)] == ids
