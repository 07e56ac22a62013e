"""Everybody in turn, as often as the size says. Imported once Django is set up."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import redis
from celery import current_app

from benchmarks.contenders import PROCESSES, WORKER
from benchmarks.credits import floor, world
from benchmarks.crew import Crew
from benchmarks.drain import STUCK, Drained
from benchmarks.ledger import Ledger
from benchmarks.machine import Meter
from benchmarks.progress import say
from benchmarks.servers import Servers
from config.embedded.child import Child, python

TEXTS = 2_000
"""Of each run: some ten seconds of ours."""

QUEUES = ("default", "bulk")
BARE = {"celery_naive": "credits.bare_naive", "celery_guarded": "credits.bare_guarded"}
RATIOS = [
    ("ours", "celery_naive"),
    ("ours", "celery_guarded"),
    ("ours", "postgres"),
    ("celery_naive", "postgres"),
    ("ours_with_settling", "celery_naive"),
]


def measure(servers: Servers, *, rounds: int, texts: int) -> dict[str, Any]:
    """Texts a second of each, and the ratios of what ran in the same round."""
    results: dict[str, Drained] = {}
    with _crews(servers) as crews:
        for number in range(-1, rounds):
            turns = _turns(servers, crews, texts if number >= 0 else 300)
            for name, turn in turns.items():
                rate = turn(results if number >= 0 else {})
                say(f"credits {number + 1}/{rounds}  {name:20}{rate:8,.0f} texts/s")
    found: dict[str, Any] = {name: drained.as_dict() for name, drained in results.items()}
    found["holding"] = _holding(texts * 10, rounds)
    _broker().delete(*QUEUES)
    rates = {name: drained.rates for name, drained in results.items()}
    found["ratios"] = {f"{a} / {b}": _spread(rates[a], rates[b]) for a, b in RATIOS}
    return found


Turn = Callable[[dict[str, Drained]], float]


def _turns(servers: Servers, crews: dict[str, Crew], texts: int) -> dict[str, Turn]:
    def ours(results: dict[str, Drained]) -> float:
        return _run_ours(servers, crews["ours"], texts, results)

    def bare(name: str) -> Turn:
        return lambda results: _run_bare(servers, crews["bare"], name, texts, results)

    def alone(results: dict[str, Drained]) -> float:
        world.lay_members(texts)
        world.hold_alone()
        _broker().delete(*QUEUES)
        world.settle_down()
        ledger, meter = Ledger(servers.database_url), Meter(servers.processes, commands="pgbench")
        with ledger.connection, meter, ledger.clients_gone():
            rate = floor.run(servers)
        return _note(results, "postgres", rate, texts, meter)

    return {"ours": ours, **{name: bare(name) for name in BARE}, "postgres": alone}


def _run_ours(servers: Servers, crew: Crew, texts: int, results: dict[str, Drained]) -> float:
    world.lay_members(texts)
    world.start_campaigns()
    world.settle_down()
    with _thawed(servers, crew) as meter:
        _until(crew, world.finished, texts)
    rate = _note(results, "ours", world.rate(), texts, meter)
    world.let_settle()
    with _thawed(servers, crew) as meter:
        _until(crew, world.settled, texts)
    looks = _note(results, "settling", world.settling_rate(), texts, meter)
    both = 1 / (1 / rate + 1 / looks) if rate and looks else 0
    _note(results, "ours_with_settling", both, texts, Meter({}))
    return rate


def _run_bare(
    servers: Servers, crew: Crew, name: str, texts: int, results: dict[str, Drained]
) -> float:
    world.lay_members(texts)
    laid = world.write_texts()
    with current_app.producer_or_acquire() as producer:
        for text_id in laid.texts:
            current_app.send_task(
                BARE[name],
                kwargs={"text_id": text_id},
                queue="bare",
                producer=producer,
                ignore_result=True,
            )
    world.settle_down()
    with _thawed(servers, crew) as meter:
        _until(crew, world.finished, texts)
    return _note(results, name, world.rate(), texts, meter)


@contextmanager
def _thawed(servers: Servers, crew: Crew) -> Iterator[Meter]:
    """The crew at work; what it costs is metered, and nothing else."""
    with Meter({child.name: child for child in crew.children} | servers.processes) as meter:
        crew.thaw()
        yield meter
    crew.freeze(_is_idle)


def _note(results: dict[str, Drained], name: str, rate: float, texts: int, meter: Meter) -> float:
    """Add this run, with what its sums are now. Returns its rate."""
    results.setdefault(name, Drained()).add(rate, texts, meter, world.sums())
    return rate


def _until(crew: Crew, done: Callable[[], int], texts: int) -> None:
    """Wait until all are through, or nothing has moved for a while."""
    known, moved = -1, time.monotonic()
    while known < texts and time.monotonic() - moved < STUCK:
        time.sleep(0.1)
        crew.assert_alive()
        now = done()
        moved = moved if now == known else time.monotonic()
        known = now


def _holding(texts: int, rounds: int) -> dict[str, float]:
    """Starting campaigns: texts a second whose credits are held and whose rows are written."""
    rates = []
    for _ in range(rounds):
        world.lay_members(texts)
        world.settle_down()
        began = time.perf_counter()
        world.start_campaigns()
        rates.append(texts / (time.perf_counter() - began))
    return {
        "median": round(median(rates), 1),
        "min": round(min(rates), 1),
        "max": round(max(rates), 1),
    }


def _spread(one: list[float], other: list[float]) -> dict[str, float]:
    each = [a / b for a, b in zip(one, other, strict=True) if b]
    if not each:
        return {}
    return {
        "median": round(median(each), 3),
        "min": round(min(each), 3),
        "max": round(max(each), 3),
    }


@contextmanager
def _crews(servers: Servers) -> Iterator[dict[str, Crew]]:
    """Ours with its relay, and bare Celery; frozen until it is their turn."""
    relay = Child(
        "relay", python("manage.py", "relay", "--skip-checks"), servers.folder / "relay.log"
    )
    crews = {
        "ours": Crew([_worker(servers, "ours", ",".join(QUEUES)), relay]),
        "bare": Crew([_worker(servers, "bare", "bare", app="benchmarks.credits.bare")]),
    }
    try:
        for crew in crews.values():
            crew.start()
            crew.freeze(_is_idle)
        yield crews
    finally:
        for crew in crews.values():
            crew.stop()


def _worker(servers: Servers, name: str, queues: str, app: str = "config") -> Child:
    size = ("-Q", queues, "--pool", "prefork", "--concurrency", str(PROCESSES))
    command = ("-m", "celery", "-A", app, "--skip-checks", "worker", "-n", f"{name}@bench")
    log = servers.folder / f"worker-{name}.log"
    return Child("worker", python(*command, *WORKER, *size), log)


def _is_idle() -> bool:
    """Whether nothing waits in the broker and nobody is in a transaction."""
    broker = _broker()
    waiting = sum(int(broker.llen(queue)) for queue in (*QUEUES, "bare"))
    busy = world.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'"
    )[0][0]
    return not waiting and not broker.hlen("unacked") and not busy


def _broker() -> redis.Redis:
    return redis.Redis.from_url(str(current_app.conf.broker_url))
