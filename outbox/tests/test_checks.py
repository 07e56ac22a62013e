from types import SimpleNamespace

import pytest

from outbox.checks import database_is_postgresql, handlers_are_enqueued, shortcuts_in


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
    assert database_is_postgresql() == []


def test_another_database_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite = SimpleNamespace(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}})
    monkeypatch.setattr("outbox.checks.settings", sqlite)
    assert [error.id for error in database_is_postgresql()] == ["outbox.E001"]
