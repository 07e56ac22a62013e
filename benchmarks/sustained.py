"""Enqueue and drain together: who is the narrow place?

Once with a bound on what is under way, for the rate that both can go on at, and once without: those
who ask as fast as they can take from the others what the processors have. The clients share those
with all, so their CPU is told, too.
"""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from django.db import transaction

import outbox
from benchmarks import feeds
from benchmarks import jobs as work
from benchmarks.drain import Track
from benchmarks.gate import Enter, Gate
from benchmarks.jobs import Job
from benchmarks.machine import Meter
from benchmarks.names import UNBOUNDED
from benchmarks.servers import Servers
from config.embedded.child import Child, python
from config.embedded.ports import free_port

CLIENTS = 8
UNDER_WAY = 64
"""Jobs that may be asked for and not done, of eight clients with a request each."""
BULK_UNDER_WAY = 20_000
"""The same in bulk: four transactions."""
PLENTY = 1_000_000
BULK = 5_000
"""Messages of one transaction: the business rows and the messages in one statement each."""

Push = Callable[[float, Enter], list[Job]]


def measure(track: Track, seconds: float) -> dict[str, Any]:
    """Both ways, with either handler, in balance and as fast as they can."""
    found: dict[str, Any] = {}

    def run(name: str, more: dict[str, Child], most: int, push: Push) -> None:
        found[name] = _run(track, more, seconds, push, Gate(track.ledger, most))
        found[f"{name}, {UNBOUNDED}"] = _run(track, more, seconds, push, nullcontext(_at_once))

    with _web(track.servers) as (web, port):
        for handler in ("work.deduct", "work.deduct_batch"):
            push = partial(_requests, port, handler)
            run(f"a web request per job, {handler}", {"web": web}, UNDER_WAY, push)
    run("bulk, work.deduct_batch", {}, BULK_UNDER_WAY, _bulk)
    return found


def _run(
    track: Track,
    more: dict[str, Child],
    seconds: float,
    push: Push,
    gate: AbstractContextManager[Enter],
) -> dict[str, Any]:
    crew = track.crews["ours"]
    balances = dict.fromkeys(range(1, work.ACCOUNTS + 1), PLENTY)
    track.ledger.reset(balances)
    track.ledger.settle()
    crew.thaw()
    with Meter(track.processes(crew) | more, itself="clients") as meter:
        began = time.monotonic()
        with gate as enter:
            jobs = push(began + seconds, enter)
        left = len(jobs) - track.ledger.begun()
        latest = began + seconds + 60
        while not _are_done(track, len(jobs)) and time.monotonic() < latest:
            time.sleep(0.02)
    crew.freeze(track.is_idle)
    done, cores = track.ledger.written(), os.cpu_count() or 1
    enqueued_rate, done_rate = track.ledger.rates_together()
    return {
        "enqueued_per_second": round(enqueued_rate, 1),
        "done_per_second": round(done_rate, 1),
        "left_when_the_requests_stopped": left,
        "sums_kept": track.ledger.sums(jobs, balances).kept,
        "lost": len(jobs) - done,
        "cores": cores,
        "cores_used": round(sum(meter.used.values()) / meter.seconds, 2),
        "others_used": round(meter.others, 3),
        **{
            f"{name}_cpu_ms": round(1000 * value / max(1, done), 4)
            for name, value in meter.used.items()
        },
    }


def _at_once(_: int) -> None:
    """Without a bound."""


def _are_done(track: Track, count: int) -> bool:
    """Counted once as many have begun: what was rolled back has begun twice."""
    return track.ledger.begun() >= count and track.ledger.written() >= count


def _requests(port: int, handler: str, until: float, enter: Enter) -> list[Job]:
    asked: list[Job] = []

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for job in _endless(number):
            if time.monotonic() > until:
                break
            enter(1)
            connection.request("POST", "/deduct", json.dumps({**job.as_args(), "handler": handler}))
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.ACCEPTED:
                raise RuntimeError(f"the web answered {answer.status}")
            asked.append(job)
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(client, range(CLIENTS)))  # raises what one of them has raised
    return asked


def _bulk(until: float, enter: Enter) -> list[Job]:
    asked: list[Job] = []
    while time.monotonic() < until:
        enter(BULK)
        jobs = work.sequence(BULK, seed=len(asked))
        with transaction.atomic():
            feeds.write_requests(jobs)
            outbox.enqueue_many("work.deduct_batch", (job.as_args() for job in jobs))
        asked += jobs
    return asked


def _endless(seed: int) -> Iterator[Job]:
    while True:
        yield from work.sequence(1_000, seed=seed)


@contextmanager
def _web(servers: Servers) -> Iterator[tuple[Child, int]]:
    port = free_port()
    bind = ("--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4")
    quiet = ("--no-control-socket", "--log-level", "warning", "--keep-alive", "30")
    command = python("-m", "gunicorn", "config.wsgi", *bind, *quiet)
    web = Child("web", command, servers.folder / "web.log")
    web.start()
    try:
        _wait_for(port, web)
        yield web, port
    finally:
        web.stop()


def _wait_for(port: int, web: Child, patience: float = 60) -> None:
    latest = time.monotonic() + patience
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > latest or not web.is_running():
                raise TimeoutError(f"the web does not answer: {web.log.read_text()}") from None
            time.sleep(0.1)
