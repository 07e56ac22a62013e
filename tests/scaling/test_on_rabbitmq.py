"""RabbitMQ as the broker, in short; `make test BROKER=rabbitmq` runs the whole suite on it."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from kombu import Connection

from config.embedded import account
from config.embedded.child import PROJECT, python
from config.embedded.ports import free_port
from config.publisher import Transport, is_gone
from config.settings import rabbitmq as settings_of_rabbitmq
from config.settings.celery import QUEUES
from tests import rabbitmq
from tests.pricing.shop import make_product, price_of, schedule
from tests.rabbitmq import RabbitMQ
from tests.stack import Stack


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """One of this test's own."""
    if rabbitmq.program() is None:
        pytest.skip(rabbitmq.INSTALL)
    folder = Path(tempfile.mkdtemp(prefix="onceproof-rabbitmq-"))
    folder.chmod(0o711)
    runs_as = account.for_servers()
    place = account.place_for(folder, runs_as)
    started = RabbitMQ(place, free_port(), secrets.token_hex(12), runs_as)
    try:
        started.start(folder / "rabbitmq.log")
        yield started
    finally:
        started.end()
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def test_jobs_run_on_it_and_workers_are_seen(stack: Stack, broker: RabbitMQ) -> None:
    """The relay's dispatch: the commit's own went to the suite's usual broker."""
    on_it = {"BROKER_URL": broker.url(), "REDIS_URL": ""}
    make_product()
    worker = stack.worker(concurrency=1, environment=on_it)
    assert "Global QoS is disabled" in worker.log.read_text()
    relay = stack.relay(environment=on_it)
    schedule()
    stack.wait_until(lambda: price_of() == "9.00", timeout=60, why=relay)

    # Without a Redis nobody knows names; the health check of a container is content with a count.
    asked = subprocess.run(
        python("manage.py", "seen", "worker-main"),
        env={**os.environ, **stack._environment(), **on_it},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert asked.stdout == "worker-main is there.\n", asked.stderr
    stack.kill(worker)
    stack.end()


def test_its_queues_are_replicated_and_publishing_is_confirmed() -> None:
    queues = settings_of_rabbitmq.queues(QUEUES)
    assert [queue.name for queue in queues] == list(QUEUES)
    assert all(queue.queue_arguments == {"x-queue-type": "quorum"} for queue in queues)
    assert all(queue.durable and queue.exchange.durable for queue in queues)
    told = {
        waits: settings_of_rabbitmq.settings(waits=waits)["CELERY_BROKER_TRANSPORT_OPTIONS"]
        for waits in (True, False)
    }
    assert told[False]["confirm_publish"] is True
    assert "confirm_publish" not in told[True], "a worker would wait for a broker that is full"
    assert all(options["read_timeout"] and options["write_timeout"] for options in told.values())


@pytest.mark.parametrize("url", ["amqp://a@b/c", "amqps://a@b/c", "pyamqp://a@b/c"])
def test_its_addresses_are_known(url: str) -> None:
    assert settings_of_rabbitmq.is_meant(url)
    assert not settings_of_rabbitmq.is_meant("redis://a/0")


def test_nothing_is_declared_for_times_that_no_dispatch_has() -> None:
    from celery.worker.consumer import Consumer

    from config.rabbitmq import Consumer as Ours

    left_out = set(Consumer.Blueprint.default_steps) - set(Ours.Blueprint.default_steps)
    assert left_out == {"celery.worker.consumer.delayed_delivery:DelayedDelivery"}


def test_whoever_publishes_sees_that_the_broker_has_closed_the_connection() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not is_gone(ours)
        theirs.send(b"a goodbye that nobody has read")
        assert not is_gone(ours)
        theirs.close()
        assert is_gone(ours)


@pytest.mark.parametrize("consumed", [False, True])
def test_a_closed_connection_is_dropped_unless_somebody_reads_from_it(consumed: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        dropped = Mock(return_value=None)
        channels = {1: Mock(callbacks={"tag": print} if consumed else {})}
        kept = Mock(connected=True, sock=ours, channels=channels, collect=dropped)
        Transport(Mock()).verify_connection(kept)
    assert dropped.called is not consumed


def test_it_is_so_by_every_address_and_the_encrypted_one_stays_so() -> None:
    for scheme in ("amqp", "pyamqp", "amqps"):
        with Connection(f"{scheme}://nobody@127.0.0.1:1//") as connection:
            assert type(connection.transport).__module__ == "config.publisher"
            assert bool(connection.ssl) is (scheme == "amqps")
