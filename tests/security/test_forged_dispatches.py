"""Who writes to the broker can ring a worker, and no more: not run a program, not name a job."""

import json
import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from kombu import Connection

from outbox.models import Message
from pricing.models import PriceChange
from tests.pricing.shop import make_product, price_of, schedule
from tests.stack import Stack

HANDLER = "pricing.apply_reduction"


class Program:
    """What somebody would pickle: unpickled, it runs."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return (Path.touch, (self.place,))


@pytest.fixture
def channel() -> Iterator[Any]:
    """The broker, as somebody has it who knows its password."""
    with Connection(settings.CELERY_BROKER_URL) as connection, connection.channel() as channel:
        yield channel


def forge(
    channel: Any, body: bytes, *, kind: str = "application/json", task: str = HANDLER
) -> None:
    """Write a Celery message by hand, past Celery and all its settings."""
    name = str(uuid.uuid4())
    message = channel.prepare_message(
        body,
        content_type=kind,
        content_encoding="binary" if "python" in kind else "utf-8",
        headers={"task": task, "id": name, "root_id": name, "lang": "py", "argsrepr": "()"},
        properties={"correlation_id": name},
    )
    channel.basic_publish(message, exchange="", routing_key="default")  # straight into the queue


def arguments(*args: Any, **more: Any) -> bytes:
    return json.dumps([args, more, {"callbacks": None, "errbacks": None}]).encode()


def test_a_worker_runs_no_program_and_believes_no_dispatch(
    stack: Stack, channel: Any, tmp_path: Path
) -> None:
    make_product()
    worker = stack.worker("default", pool="threads", concurrency=1)
    mark = tmp_path / "a program ran"
    pickled = pickle.dumps([(Program(mark),), {}, {}])
    forge(channel, pickled, kind="application/x-python-serialize")
    forge(channel, arguments([str(uuid.uuid4())]), task="os.system")
    forge(channel, arguments([str(uuid.uuid4())]))  # a message that is in no table
    forge(channel, arguments(reduction_id=str(uuid.uuid4()), sku="BOOK", percent="99"))
    forge(channel, b"[not json")

    reduction = schedule()  # its own dispatch comes last
    stack.wait_until(lambda: price_of() == "9.00", timeout=60, why=worker)

    assert not mark.exists()
    log = worker.log.read_text()
    assert "ContentDisallowed" in log or "Refusing to deserialize" in log
    assert worker.is_running()
    assert PriceChange.objects.filter(reduction=reduction).count() == 1
    assert PriceChange.objects.count() == 2  # and the one of the import
    assert Message.objects.count() == 1
