from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks

from outbox.checks import (
    database_is_postgresql,
    everything_is_in_one_database,
    handlers_are_enqueued,
    nothing_is_left_unsafe,
    times_have_zones,
)
from outbox.shortcuts import shortcuts_in
from outbox.unsafe import unsafe_in

PUBLISHED = [
    "from shop.tasks import send\nsend.delay(1)",
    "from shop.tasks import send as it\nit.apply_async()",
    "from shop import tasks\ntasks.send.apply_async()",
    "import shop.tasks\nx = shop.tasks.send.s(id=1)",
    "import shop.tasks as jobs\njobs.send.si(1)",
    "def place():\n    from .tasks import send; send.delay(1)",
    "from . import tasks\ntasks.send.delay(1)",
]
OTHERS = [
    "from other.tasks import send\nsend.delay(1)",
    "from .other import send\nsend.delay(1)",
    "from .....other import send\nsend.delay(1)",
    "from shop.tasks import other\nother.delay(1)",
    "@shared_task\ndef send(): ...\nsend.delay(1)",
    "from shop.tasks import send\nsend(order_id=1)",
    "from shop.tasks import send\nsend.function(1)",
    "make().send.delay(1)",
    "this is = no Python; send.delay(1)",
]


@pytest.mark.parametrize("source", PUBLISHED)
def test_finds_calls_that_go_past_the_outbox(source: str) -> None:
    found = shortcuts_in(source, "shop.views", {"shop.tasks.send"})
    assert [line for line, _ in found] == [2]


@pytest.mark.parametrize("source", OTHERS)
def test_leaves_other_calls_alone(source: str) -> None:
    """A project's own task may have the name of one of our handlers, such as `prune`."""
    assert list(shortcuts_in(source, "shop.views", {"shop.tasks.send"})) == []


@pytest.mark.parametrize("module", ["shop.tasks", "shop.__init__"])
def test_knows_a_call_beside_the_handler_itself(module: str) -> None:
    source = "@handler('send')\ndef send(): ...\nsend.delay()"
    name = module.removesuffix(".__init__") + ".send"
    assert list(shortcuts_in(source, module, {name})) == [(3, "send.delay")]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only installed app."""
    config = SimpleNamespace(path=str(tmp_path), name="shop")
    installed = SimpleNamespace(get_app_configs=lambda: [config])
    monkeypatch.setattr("outbox.checks.apps", installed)
    monkeypatch.setattr("outbox.checks.handlers", SimpleNamespace(names=list))
    return tmp_path


LATE = "@shared_task(acks_late=True)\ndef charge():\n    'é'\n"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + LATE.encode(),
        b"# -*- coding: latin-1 -*-\n" + LATE.encode("latin-1"),
        LATE.replace("\n", "\r\n").encode(),
    ],
)
def test_reads_a_file_as_python_does(app: Path, content: bytes) -> None:
    (app / "tasks.py").write_bytes(content)
    assert [found.id for found in nothing_is_left_unsafe()] == ["outbox.W004"]
    assert handlers_are_enqueued() == []


@pytest.mark.parametrize(
    "content", [b"acks_late = \xe9", b"# coding: nonsense\nacks_late", b"acks_late = (", b"s\0"]
)
def test_what_python_would_not_read_ends_no_command(app: Path, content: bytes) -> None:
    (app / "template.py").write_bytes(content)
    (app / ".#lock.py").symlink_to(app / "nowhere")
    (app / "tasks.py").write_text(LATE)
    assert [found.id for found in nothing_is_left_unsafe()] == ["outbox.W004"]
    assert handlers_are_enqueued() == []


def test_a_call_past_the_outbox_is_an_error(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def send() -> None: ...

    send.__module__, send.__qualname__ = "shop.tasks", "send"
    known = SimpleNamespace(names=lambda: ["send"], get=lambda _: SimpleNamespace(function=send))
    monkeypatch.setattr("outbox.checks.handlers", known)
    (app / "views.py").write_text("from .tasks import send\nsend.delay(1)\n")
    (app / "other.py").write_text("from .jobs import send\nsend.delay(1)\n")
    (error,) = handlers_are_enqueued()
    assert (error.id, error.obj) == ("outbox.E002", f"{app / 'views.py'}:2")


def test_this_project_is_clean() -> None:
    assert handlers_are_enqueued() == []
    assert nothing_is_left_unsafe() == []
    assert database_is_postgresql() == []
    assert everything_is_in_one_database() == []
    assert times_have_zones() == []


def test_another_database_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite = SimpleNamespace(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}})
    monkeypatch.setattr("outbox.checks.settings", sqlite)
    assert [error.id for error in database_is_postgresql()] == ["outbox.E001"]


def test_times_without_zones_are_an_error(settings: Any) -> None:
    settings.USE_TZ = False
    assert [error.id for error in times_have_zones()] == ["outbox.E004"]
    assert "outbox.E004" in {message.id for message in run_checks()}


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
