"""Who runs, with which settings, and why those. Imported once Django is set up."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks import feeds, loop
from benchmarks.crew import Crew
from benchmarks.feeds import Feed
from benchmarks.servers import Servers
from config.embedded.child import Child, python

PROCESSES = 2
"""Worker processes of everybody: as many as the machine of the published figures has cores."""

WORKER = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")


@dataclass(frozen=True)
class Contender:
    """One way to do the job."""

    name: str
    crew: str
    what: str
    feed: Feed
    jobs: int  # what it did in some four seconds on the machine of the published figures
    writes: bool = True  # an entry for each job


def in_process() -> list[Contender]:
    """Ours and bare Celery: all that the harness can feed itself."""
    return [
        Contender(
            "ours_batch",
            "ours",
            "Onceproof, batch handler of 500, one set-based statement",
            feeds.ours("work.deduct_batch"),
            150_000,
        ),
        Contender(
            "ours_single",
            "ours",
            "Onceproof, ordinary handler, ORM, its own transaction for each message",
            feeds.ours("work.deduct"),
            3_000,
        ),
        Contender(
            "ours_single_raw",
            "ours",
            "Onceproof, ordinary handler, one statement of SQL",
            feeds.ours("work.deduct_raw"),
            5_000,
        ),
        Contender(
            "celery_naive",
            "bare",
            "bare Celery, ORM: read, check, save",
            feeds.bare("bare.naive"),
            1_800,
        ),
        Contender(
            "celery_locked",
            "bare",
            "bare Celery, ORM: select_for_update, check, save",
            feeds.bare("bare.locked"),
            1_600,
        ),
        Contender(
            "celery_guarded",
            "bare",
            "bare Celery, the very ORM code of ours_single",
            feeds.bare("bare.guarded"),
            2_000,
        ),
        Contender(
            "celery_guarded_raw",
            "bare",
            "bare Celery, the very SQL of ours_single_raw",
            feeds.bare("bare.raw"),
            3_500,
        ),
        Contender(
            "celery_noop",
            "bare",
            "bare Celery, a task that does nothing",
            feeds.bare("bare.noop"),
            3_500,
            writes=False,
        ),
        Contender(
            "orm_loop",
            "loop",
            "no queue: the very ORM code of ours_single in a loop",
            partial(loop.feed, "orm", PROCESSES),
            6_000,
        ),
        Contender(
            "orm_queue_loop",
            "loop",
            "a lean queue: one statement more, in the transaction of the very ORM code",
            partial(loop.feed_queue, PROCESSES),
            5_000,
        ),
        Contender(
            "batch_loop",
            "loop",
            "no queue: the very statement of ours_batch in a loop",
            partial(loop.feed, "batch", PROCESSES),
            700_000,
        ),
    ]


def ours_crew(servers: Servers, processes: int = PROCESSES) -> Crew:
    """Our worker, and the relay, which is part of the system."""
    relay = Child(
        "relay", python("manage.py", "relay", "--skip-checks"), servers.folder / "relay.log"
    )
    return Crew([_worker(servers, "ours", "default", processes), relay])


def bare_crew(servers: Servers, processes: int = PROCESSES) -> Crew:
    """Bare Celery's worker, with an app and settings of its own: nothing of ours slows it down."""
    module = "benchmarks.peers.python"
    worker = _worker(servers, "bare", "bare", processes, app=f"{module}.with_celery")
    worker.environment = {
        "DJANGO_SETTINGS_MODULE": f"{module}.settings",
        "PEER": "celery",
        "PEER_BROKER_URL": servers.valkey.url(),
    }
    return Crew([worker])


def loop_crew(servers: Servers) -> Crew:
    """As many plain Django processes as the others have workers."""
    return Crew(
        [
            Child(
                f"worker {number}" if number else "worker",
                python("-m", "benchmarks.loop", str(number)),
                servers.folder / f"loop-{number}.log",
            )
            for number in range(PROCESSES)
        ]
    )


CREWS: dict[str, Callable[[Servers], Crew]] = {
    "ours": ours_crew,
    "bare": bare_crew,
    "loop": loop_crew,
}


def _worker(
    servers: Servers, name: str, queue: str, processes: int, *, app: str = "config"
) -> Child:
    size = ("-Q", queue, "--pool", "prefork", "--concurrency", str(processes))
    command = ("-m", "celery", "-A", app, "--skip-checks", "worker", "-n", f"{name}@bench")
    log = servers.folder / f"worker-{name}-{processes}.log"
    return Child("worker", python(*command, *WORKER, *size), log)
