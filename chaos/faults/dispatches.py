"""Dispatches are hints: doubled, out of order, late, forged, to nobody."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast
from uuid import uuid4

import redis
from celery import Celery

from chaos.faults.site import Lasting, Site

QUEUES = ("critical", "default", "bulk", "relay")
LATE = 6.0  # seconds
LONGEST_CATCH = 5  # seconds for a queue to have as many dispatches as it takes
RECENT = """
    SELECT id::text, handler FROM outbox_message
    WHERE created_at > now() - interval '20 seconds' ORDER BY random() LIMIT 300
"""


def duplicate(site: Site) -> None:
    """Everything that waits in the queues twice more, and recent messages again, done or not."""
    with _broker(site) as broker:
        waiting = {queue: list(broker.lrange(queue, 0, 200)) for queue in QUEUES}
        for queue, dispatches in waiting.items():
            _put_back(broker, queue, dispatches * 2)
    recent = site.observer.ask(RECENT)
    if not recent and not any(waiting.values()):
        raise LookupError("there is nothing to double")
    with _sender(site) as send:
        for message_id, handler in recent:
            send(handler, [[message_id]])
            send(handler, [[message_id] * 3])


def reorder(site: Site) -> Lasting:
    """Every queue shuffled, one at least of two dispatches or more. Over as soon as it has come."""
    with _broker(site) as broker:
        caught = _catch(broker, at_least=2)
        since = time.time()
        for queue, dispatches in caught.items():
            shuffled = site.dice.sample(dispatches, len(dispatches))
            if shuffled == dispatches:
                shuffled.reverse()
            _put_back(broker, queue, shuffled)
    return Lasting(0, lambda: None, since)


def delay(site: Site) -> Lasting:
    """Everything that waits is taken away, and comes back late."""
    with _broker(site) as broker:
        taken = _catch(broker, at_least=1)
    since = time.time()

    def bring_back() -> None:
        with _broker(site) as broker:
            for queue, dispatches in taken.items():
                _put_back(broker, queue, dispatches)

    return Lasting(site.seconds(LATE), bring_back, since)


def forge(site: Site) -> None:
    """What anybody who reaches the broker could send: wrong ids, wrong handlers, nonsense."""
    recent = site.observer.ask(RECENT)
    handlers = sorted({handler for _, handler in recent}) or ["pricing.apply_reduction"]
    with _sender(site) as send:
        for message_id, _ in recent[:50]:
            send(site.dice.choice(handlers), [[message_id]])  # perhaps another handler's
        for handler in handlers:
            send(handler, [[str(uuid4())]])
            send(handler, [["'; DROP TABLE outbox_message; --", None, 7, {"a": [1]}]])
            send(handler, [{"ids": "none"}])
        send("outbox.no_such_task", [[1]])


def _catch(broker: redis.Redis, *, at_least: int) -> dict[str, list[bytes]]:
    """All that waits; where no queue has so many, what comes next as well, before a worker has it.

    Whoever waits longest is served first, and a worker asks anew each second. Raises LookupError
    where too few come, with those back in their queues.
    """
    caught = {queue: _take(broker, queue) for queue in QUEUES}
    latest = time.monotonic() + LONGEST_CATCH
    while max(map(len, caught.values())) < at_least:
        if time.monotonic() > latest:
            for queue, dispatches in caught.items():
                _put_back(broker, queue, dispatches)
            raise LookupError("hardly anything is dispatched")
        next_one = cast("tuple[bytes, bytes] | None", broker.brpop(list(QUEUES), timeout=1))
        if next_one is not None:
            caught[next_one[0].decode()].insert(0, next_one[1])
    return caught


def _take(broker: redis.Redis, queue: str) -> list[bytes]:
    with broker.pipeline() as both:
        both.lrange(queue, 0, -1)
        both.delete(queue)
        return list(both.execute()[0])


def _put_back(broker: redis.Redis, queue: str, dispatches: Sequence[bytes | str]) -> None:
    if dispatches:
        broker.rpush(queue, *dispatches)


@contextmanager
def _broker(site: Site) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(site.stack.running.broker_url, socket_timeout=2) as broker:
        yield broker


@contextmanager
def _sender(site: Site) -> Iterator[Callable[[str, list[object]], None]]:
    """Publishes as any process of the application would."""
    app = Celery("chaos", broker=site.stack.running.broker_url, set_as_current=False)
    app.conf.broker_transport_options = {"socket_timeout": 2, "max_retries": 0}
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:

        def send(name: str, args: list[object]) -> None:
            app.send_task(
                name,
                args=args,
                queue="default",
                expires=60,
                retry=False,
                ignore_result=True,
                producer=producer,
            )

        yield send
