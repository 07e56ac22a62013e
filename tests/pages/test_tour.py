"""The tour: who may look is told its steps, and its buttons break only our own servers."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils.html import escape

from config.celery import app
from config.tour import bridge
from config.tour.steps import STEPS
from outbox import consumer, deadletters, handlers
from outbox.delivery import Delivery
from outbox.models import Message
from tests.accounts.people import make_user
from tests.pricing.shop import make_product, work_off
from tests.servers import on_redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    published: list[Any] = []
    monkeypatch.setattr(
        "outbox.dispatch.send", lambda handler, ids=(), **_: published.append(list(ids)) or True
    )
    return published


@pytest.fixture
def embedded(settings: Any) -> None:
    settings.EMBEDDED = True
    make_product("DEMO-1", "10.00")
    make_product("DEMO-2", "20.00")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def test_every_step_says_what_one_sees_and_why_it_holds() -> None:
    page = signed_in("viewer").get("/").content.decode()
    assert len(STEPS) == 5
    for step in STEPS:
        for told in (step.title, step.see, step.why, step.command):
            assert escape(told) in page
    assert "/tour/" not in page


def test_without_servers_of_our_own_there_is_no_such_address() -> None:
    operator = signed_in("operator")
    for step in STEPS:
        if step.name:
            assert operator.post(f"/tour/{step.name}/").status_code == 404
    assert operator.get("/tour/score/").status_code == 404
    assert not Message.objects.exists()


@pytest.mark.usefixtures("embedded")
def test_a_viewer_a_stranger_and_a_link_break_nothing() -> None:
    viewer, operator = signed_in("viewer"), signed_in("operator")
    for step in ("press-twice", "kill-worker", "flush-broker", "bury"):
        assert viewer.post(f"/tour/{step}/").status_code == 403
        assert Client().post(f"/tour/{step}/").status_code == 302
        assert operator.get(f"/tour/{step}/").status_code == 405
    assert operator.post("/tour/format-disk/").status_code == 404
    assert "/tour/" not in viewer.get("/").content.decode()
    assert not Message.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.usefixtures("embedded")
def test_pressed_twice_there_is_one_reduction_and_it_is_applied_once(sent: list[Any]) -> None:
    operator = signed_in("operator")
    page = operator.post("/tour/press-twice/", follow=True).content.decode()
    assert "the same reduction" in page
    message = Message.objects.get()
    assert sent.count([message.pk]) == 4
    tallies = [
        consumer.consume(
            handlers.get(message.handler), ids, Delivery(worker="w", task_id=str(number))
        )
        for number, ids in enumerate(sent)
        if ids
    ]
    assert sum(tally.done for tally in tallies) == 1
    assert sum(tally.refused for tally in tallies) == 3
    score = operator.get("/tour/score/").content.decode()
    assert "1 of 1 are finished: 1 changed a price, 0 changed it twice." in score
    assert "data-live" not in score
    assert LogEntry.objects.get().object_repr == "tour: press-twice"


@pytest.fixture
def victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is written down as the main worker of this home."""
    command = [sys.executable, "-c", "import time; time.sleep(600)", "-n", "worker-main@%h"]
    process = subprocess.Popen(command, start_new_session=True)
    (tmp_path / "processes.json").write_text(json.dumps([[process.pid, " ".join(command), 15]]))
    monkeypatch.setenv("ONCEPROOF_HOME", str(tmp_path))
    yield process
    process.kill()
    process.wait()


@pytest.mark.usefixtures("embedded")
def test_a_killed_worker_is_killed_and_its_jobs_are_done_once(
    victim: subprocess.Popen[bytes],
) -> None:
    operator = signed_in("operator")
    page = operator.post("/tour/kill-worker/", follow=True).content.decode()
    assert f"process {victim.pid} killed with -9" in page
    assert victim.wait(10) == -9
    work_off()
    assert "2 of 2 are finished: 2 changed a price" in operator.get("/").content.decode()


@pytest.mark.usefixtures("embedded")
def test_no_process_of_anybody_else_is_killed(tmp_path: Path, monkeypatch: Any) -> None:
    written = [[os.getpid(), "python -m celery worker -n worker-main@%h", 15]]
    (tmp_path / "processes.json").write_text(json.dumps(written))
    monkeypatch.setenv("ONCEPROOF_HOME", str(tmp_path))
    page = signed_in("operator").post("/tour/kill-worker/", follow=True).content.decode()
    assert "is not running at this moment" in page
    assert not Message.objects.exists()


@pytest.mark.usefixtures("embedded")
@on_redis
def test_the_broker_is_emptied_and_the_rows_are_there(stack: Any) -> None:
    page = signed_in("operator").post("/tour/flush-broker/", follow=True).content.decode()
    assert "the broker emptied" in page
    assert Message.objects.filter(state="pending").count() == 2


@on_redis
def test_the_command_beside_that_button_empties_our_own_broker(stack: Any) -> None:
    """And no other: what it connects to comes from this home's settings."""
    (command,) = (step.command for step in STEPS if step.name == "flush-broker")
    program, *options = shlex.split(command)
    assert program == ".venv/bin/celery"
    app.send_task("nobody.takes.this", queue="bulk", ignore_result=True)
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        assert client.llen("bulk") == 1
        # As a process: Celery's command line leaves things behind in the environment it runs in.
        told = stack.run("-m", "celery", *options)
        assert told.returncode == 0, told.stderr
        assert client.llen("bulk") == 0


@pytest.fixture
def bridge_declared() -> Iterator[None]:
    known = dict(handlers._registry)
    bridge.declare()
    yield
    handlers._registry.clear()
    handlers._registry.update(known)


@pytest.mark.usefixtures("embedded", "bridge_declared")
def test_a_dead_letter_is_made_and_done_when_redriven() -> None:
    operator = signed_in("operator")
    page = operator.post("/tour/bury/", follow=True)
    assert "Now redrive it" in page.content.decode()
    message = Message.objects.get()
    handler = handlers.get("tour.cross_the_bridge")
    consume: Callable[[], Any] = lambda: consumer.consume(handler, [], Delivery.here())  # noqa: E731
    consume()
    message.refresh_from_db()
    assert message.state == "dead"
    deadletters.redrive(message.pk, actor="operator")
    consume()
    message.refresh_from_db()
    assert message.state == "done"


def test_without_demo_products_it_says_so(settings: Any) -> None:
    settings.EMBEDDED = True
    page = signed_in("operator").post("/tour/press-twice/", follow=True).content.decode()
    assert "demo products are gone" in page
