"""Each fault is seen to happen; where it cannot, it says so, and is not counted.

The servers are the test run's own. What stands for web servers, workers and the others are shells
with two children each. A second beat, a second relay and another clock: see `test_doubles.py`.
"""

import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from chaos import processes
from chaos.faults import FAULTS, Site, dispatches, rolling
from chaos.injection import NOTHING_TO_HARM
from chaos.keeper import Keeper
from chaos.observer import Observer
from config.embedded.child import Child
from outbox.models import Message
from sandbox.control import PROVIDERS, Control
from tests.chaos.bench import address
from tests.servers import on_redis
from tests.stack import Stack

pytestmark = on_redis

WORKERS = tuple(name for name in rolling.ORDER if name.startswith("worker"))
WEBS = ("web", "web-2")
NAMES = (*WEBS, *WORKERS, "relay", "beat", "provider")
TREE = "sleep 600 & sleep 600 & wait"
QUEUE = dispatches.QUEUES[0]
SHOWN_ELSEWHERE = {"two_beats", "two_relays", "clock_step"}

ENDED = {
    "kill_worker_child": [f"child of {name}" for name in WORKERS],
    "kill_worker": WORKERS,
    "kill_relay": ["relay"],
    "kill_beat": ["beat"],
    "kill_web": WEBS,
    "kill_web_child": [f"child of {name}" for name in WEBS],
    "kill_provider": ["provider"],
}
ENDED_SERVERS = {
    "kill_broker": "broker",
    "kill_postgres": "postgres",
    "stop_postgres_immediately": "postgres",
    "kill_backend": "child of postgres",
}
FROZEN = {
    "freeze_worker": WORKERS,
    "freeze_relay": ["relay"],
    "freeze_beat": ["beat"],
    "freeze_web": WEBS,
}
FROZEN_SERVERS = {"freeze_broker": "broker", "freeze_postgres": "postgres"}
OTHERS = {
    *("flush_broker", "full_disk_of_broker", "end_all_connections", "duplicate_dispatches"),
    *("reorder_dispatches", "delay_dispatches", "forge_dispatches", "provider_misbehaves"),
    "rolling_restart",
}


class Place:
    """Of `chaos.stack.Stack` what these faults use."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.keeper = Keeper()
        self.servers: dict[str, Child] = {}
        self.running = SimpleNamespace(broker_url=settings.CELERY_BROKER_URL)
        for name in NAMES:
            self.keeper.keep(Child(name, ["/bin/sh", "-c", TREE], home / f"{name}.log"))

    def pids(self) -> dict[str, int]:
        return {**self.keeper.pids(), **{name: one.pid for name, one in self.servers.items()}}

    def everybody(self) -> dict[int, str]:
        """What each process is."""
        below = {
            pid: f"child of {name}"
            for name, main in self.pids().items()
            for pid in processes.descendants(main)
        }
        return {pid: name for name, pid in self.pids().items()} | below

    def wait_until_whole(self) -> None:
        """Until each has been started again, with its children."""
        latest = time.monotonic() + 60
        while sum(name.removeprefix("child of ") in NAMES for name in self.everybody().values()) < (
            3 * len(NAMES)
        ):
            assert time.monotonic() < latest, self.everybody()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("chaos"))
    place.keeper.start()
    yield place
    place.keeper.stop()


@pytest.fixture
def place(kept: Place) -> Place:
    kept.servers = {}
    for main in kept.pids().values():  # whose children an earlier test has killed
        if len(processes.descendants(main)) < 2:
            processes.end(main)
    kept.wait_until_whole()
    return kept


@pytest.fixture
def served(place: Place, stack: Stack) -> Place:
    place.servers = {
        "broker": stack._server("broker_child"),
        "postgres": stack._server("postgres_child"),
    }
    return place


@pytest.fixture
def observer(stack: Stack) -> Iterator[Observer]:
    observer = Observer(address())
    yield observer
    observer.close()


@pytest.fixture
def broker(stack: Stack) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        yield broker


def site_of(place: Any, observer: Any = None) -> Site:
    return Site(place, observer, longest=60.0, dice=random.Random(1))  # noqa: S311


def dead() -> int:
    """The number of a process that is no more."""
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    return ended.pid


def are(place: Place, what: str) -> set[str]:
    """What is in this state, of all that are there."""
    everybody = place.everybody()
    states = processes._states(*everybody)
    return {everybody[pid] for pid, state in states.items() if state == what}


def test_no_fault_is_left_out() -> None:
    shown = {*ENDED, *ENDED_SERVERS, *FROZEN, *FROZEN_SERVERS, *OTHERS}
    assert FAULTS.keys() <= shown | SHOWN_ELSEWHERE


@pytest.mark.parametrize("kind", ENDED)
def test_who_is_killed_is_dead(place: Place, kind: str) -> None:
    before = place.everybody()
    assert FAULTS[kind](site_of(place)) is None
    assert {before[pid] for pid in before if not processes.is_alive(pid)} & {*ENDED[kind]}


@pytest.mark.parametrize("kind", ENDED_SERVERS)
def test_which_server_is_killed_is_dead(served: Place, observer: Observer, kind: str) -> None:
    client = Observer(address())
    client.ask("SELECT")
    before = served.everybody()
    assert FAULTS[kind](site_of(served, observer)) is None
    ended = {before[pid] for pid in before if not processes.is_alive(pid)}
    assert ENDED_SERVERS[kind] in ended
    client.close()


@pytest.mark.parametrize("kind", FROZEN)
def test_who_is_frozen_stands_still_and_goes_on(place: Place, kind: str) -> None:
    lasting = FAULTS[kind](site_of(place))
    assert lasting is not None
    frozen = {name.removeprefix("child of ") for name in are(place, processes.FROZEN)}
    assert len(frozen) == 1
    assert frozen <= {*FROZEN[kind]}
    lasting.end()
    assert not are(place, processes.FROZEN)


@pytest.mark.parametrize("kind", FROZEN_SERVERS)
def test_which_server_is_frozen_stands_still_and_goes_on(served: Place, kind: str) -> None:
    lasting = FAULTS[kind](site_of(served))
    assert lasting is not None
    assert FROZEN_SERVERS[kind] in are(served, processes.FROZEN)
    lasting.end()
    assert not are(served, processes.FROZEN)


def test_everybody_is_another_after_a_rolling_restart(place: Place) -> None:
    before = place.pids()
    lasting = rolling.restart(site_of(place))
    asked = next(name for name in rolling.ORDER if name in before)
    assert place.pids()[asked] != before[asked], "it has begun"
    lasting.end()
    for name in rolling.ORDER:
        assert name not in before or place.pids()[name] != before[name]


def test_the_broker_has_forgotten(served: Place, broker: redis.Redis) -> None:
    broker.set("something", "known")
    FAULTS["flush_broker"](site_of(served))
    assert not broker.dbsize()


@pytest.mark.skipif("full_disk_of_broker" not in FAULTS, reason="Linux alone can do that")
def test_the_broker_s_files_cannot_grow(served: Place) -> None:
    def limit() -> str:
        limits = Path(f"/proc/{served.pids()['broker']}/limits").read_text().splitlines()
        return next(line.split()[3] for line in limits if line.startswith("Max file size"))

    lasting = FAULTS["full_disk_of_broker"](site_of(served))
    assert lasting is not None
    assert limit() == "1"
    lasting.end()
    assert limit() == "unlimited"


def test_all_connections_are_gone(served: Place, observer: Observer) -> None:
    other = Observer(address())
    ((session,),) = other.ask("SELECT pg_backend_pid()")
    FAULTS["end_all_connections"](site_of(served, observer))
    still = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    latest = time.monotonic() + 5
    while observer.ask(still, [session]) != [(0,)]:
        assert time.monotonic() < latest
    other.close()


def test_dispatches_are_there_three_times(
    served: Place, observer: Observer, broker: redis.Redis
) -> None:
    broker.lpush(QUEUE, "one", "two")
    Message.objects.create(handler="pricing.apply_reduction", operation_id=uuid4())
    FAULTS["duplicate_dispatches"](site_of(served, observer))
    assert sorted(broker.lrange(QUEUE, 0, -1)) == [b"one"] * 3 + [b"two"] * 3
    assert broker.llen("default") == 2, "and that of a message from before"


def test_dispatches_are_in_another_order(served: Place, broker: redis.Redis) -> None:
    for count in (2, 3, 20):
        broker.delete(QUEUE)
        broker.lpush(QUEUE, *range(count))
        before = broker.lrange(QUEUE, 0, -1)
        FAULTS["reorder_dispatches"](site_of(served))
        after = broker.lrange(QUEUE, 0, -1)
        assert after != before
        assert sorted(after) == sorted(before)


def test_a_dispatch_overtakes_another_where_none_waits(
    served: Place, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers take each as it comes; so the fault waits for it as they do."""
    monkeypatch.setattr(dispatches, "LONGEST_CATCH", 60)
    reordering = threading.Thread(target=FAULTS["reorder_dispatches"], args=(site_of(served),))
    reordering.start()
    while not any(client["cmd"] == "brpop" for client in broker.client_list()):
        assert reordering.is_alive()
    broker.lpush(QUEUE, "first", "second")
    reordering.join()
    assert [broker.rpop(QUEUE), broker.rpop(QUEUE)] == [b"second", b"first"]


def test_dispatches_are_late(served: Place, broker: redis.Redis) -> None:
    broker.lpush(QUEUE, "one", "two")
    lasting = FAULTS["delay_dispatches"](site_of(served))
    assert lasting is not None
    assert not broker.exists(QUEUE)
    lasting.end()
    assert broker.lrange(QUEUE, 0, -1) == [b"two", b"one"]


def test_dispatches_are_forged(served: Place, observer: Observer, broker: redis.Redis) -> None:
    FAULTS["forge_dispatches"](site_of(served, observer))
    forged = b"".join(broker.lrange("default", 0, -1))
    assert b"outbox.no_such_task" in forged


def test_a_provider_misbehaves(place: Place) -> None:
    (place.home / "sandbox").mkdir()
    lasting = FAULTS["provider_misbehaves"](site_of(place))
    assert lasting is not None
    control = Control(place.home / "sandbox")
    assert [len(control.behaviour(one)) >= 2 for one in PROVIDERS].count(True) == 1
    lasting.end()
    assert not any(control.behaviour(one) for one in PROVIDERS)
    control.close()


@pytest.mark.parametrize(
    "kind",
    [
        *ENDED,
        *(set(ENDED_SERVERS) - {"kill_backend"}),
        *FROZEN,
        *FROZEN_SERVERS,
        *({"full_disk_of_broker"} & FAULTS.keys()),
        "rolling_restart",
    ],
)
def test_the_dead_cannot_be_harmed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "PATIENCE", 0.0)
    pids = dict.fromkeys((*NAMES, "broker", "postgres"), dead())
    with pytest.raises(NOTHING_TO_HARM):
        FAULTS[kind](site_of(SimpleNamespace(pids=lambda: pids)))


@pytest.mark.parametrize("kind", ["duplicate_dispatches", "reorder_dispatches", "delay_dispatches"])
def test_no_dispatches_cannot_be_harmed(
    served: Place, observer: Observer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatches, "LONGEST_CATCH", 0)
    with pytest.raises(LookupError):
        FAULTS[kind](site_of(served, observer))


def test_one_dispatch_has_no_order(
    served: Place, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatches, "LONGEST_CATCH", 0)
    broker.lpush(QUEUE, "one")
    with pytest.raises(LookupError, match="hardly anything"):
        FAULTS["reorder_dispatches"](site_of(served))
    assert broker.lrange(QUEUE, 0, -1) == [b"one"], "it is not lost"


def test_who_does_not_end_was_not_killed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.1)
    web = place.pids()["web"]
    with pytest.raises(LookupError, match="lives on"):
        processes.end(web, signal.SIGCONT)


def test_who_is_frozen_is_not_asked_to_end_later(place: Place) -> None:
    web = place.pids()["web"]
    processes.freeze(web)
    with pytest.raises(LookupError, match="frozen"):
        processes.end(web, signal.SIGTERM)
    processes.send(signal.SIGCONT, web)
    assert not processes.is_frozen(web)
    assert processes.is_alive(web), "no signal was waiting for it"
