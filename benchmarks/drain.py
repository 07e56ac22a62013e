"""Drain: a backlog is laid while the workers are frozen; they are thawed, and the clock runs."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Self

import redis

from benchmarks import jobs as work
from benchmarks.contenders import Contender
from benchmarks.crew import Crew
from benchmarks.jobs import Job
from benchmarks.ledger import WARM_UP, Ledger, Sums
from benchmarks.machine import Meter
from benchmarks.servers import Servers
from config.embedded.child import Child

STUCK = 20.0
"""Seconds without any progress after which what is missing counts as lost."""

WARM_UP_JOBS = 200


@dataclass
class Drained:
    """All runs of one contender."""

    rates: list[float] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    jobs: int = 0
    cpu: dict[str, float] = field(default_factory=dict)
    others: list[float] = field(default_factory=list)

    def add(self, rate: float, jobs: int, meter: Meter, sums: Sums) -> None:
        """One more run: its rate in jobs a second, its jobs, and what was metered meanwhile."""
        self.rates.append(rate)
        self.jobs += jobs
        self.cpu = {name: self.cpu.get(name, 0) + used for name, used in meter.used.items()}
        self.others.append(meter.others)
        self.sums += sums

    def as_dict(self) -> dict[str, Any]:
        """As results.json has it: jobs a second, CPU in milliseconds a job."""
        return {
            "median": round(median(self.rates), 1),
            "min": round(min(self.rates), 1),
            "max": round(max(self.rates), 1),
            "rates": [round(rate, 1) for rate in self.rates],
            "sums_kept": self.sums.kept,
            **vars(self.sums),
            "jobs": self.jobs,
            "runs": len(self.rates),
            "cpu_ms_per_job": {
                name: round(1000 * used / self.jobs, 4) for name, used in self.cpu.items()
            },
            "others_used": round(max(self.others), 3),
        }


class Track:
    """Where everybody runs: the servers, the tables, and the crews that wait for their turn."""

    def __init__(self, servers: Servers, crews: dict[str, Crew]) -> None:
        self.servers = servers
        self.crews = crews
        self.ledger = Ledger(servers.database_url)
        self.broker = redis.Redis.from_url(servers.valkey.url())
        self.results: dict[str, Drained] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for crew in self.crews.values():
            crew.stop()
        self.ledger.connection.close()

    def start(self, contenders: Sequence[Contender]) -> None:
        """Start the crews one by one: several on one queue would take each other's jobs."""
        for name in self.crews:
            self.begin(name, [contender for contender in contenders if contender.crew == name])

    def begin(self, name: str, contenders: Sequence[Contender], count: int = WARM_UP_JOBS) -> None:
        """Start one crew and freeze it; a small uncounted run of each contender warms it up.

        Raises RuntimeError where one does not get through that.
        """
        crew = self.crews[name]
        crew.start()
        for contender in contenders:
            self._lay(contender, count, work.ACCOUNTS)
            self._drain(contender, count, patience=90)
            if (done := self._done(contender, count)) < count:
                raise RuntimeError(f"{contender.name} did {done} of its first {count} jobs.")
        crew.freeze(self.is_idle)

    def end(self, name: str) -> None:
        """Give one crew up, with what its contender of the same name has measured so far."""
        if crew := self.crews.pop(name, None):
            crew.stop()
        self.results.pop(name, None)

    def run(
        self,
        contender: Contender,
        count: int,
        *,
        accounts: int = work.ACCOUNTS,
        meanwhile: AbstractContextManager[object] | None = None,
    ) -> float:
        """One run, whose figures join the contender's. Returns jobs a second.

        `meanwhile` is entered with the thaw and left when all are done.
        """
        crew = self.crews[contender.crew]
        jobs, balances = self._lay(contender, count, accounts)
        with Meter(self.processes(crew)) as meter, meanwhile or nullcontext():
            crew.thaw()
            warm = self._drain(contender, count)
            crew.wait_until(self.is_idle)  # what is left of its dispatches is its work, too
        # The server's own clock tells more, but asking it is work that is not the contender's.
        rate = self.ledger.rate() if contender.writes else warm
        crew.freeze(self.is_idle)
        sums = self.ledger.sums(jobs, balances) if contender.writes else Sums()
        self.results.setdefault(contender.name, Drained()).add(rate, count, meter, sums)
        return rate

    def is_idle(self) -> bool:
        """Whether nothing waits in the broker and nobody is in a transaction."""
        waiting = sum(self.broker.llen(queue) for queue in ("default", "bare"))
        return not waiting and not self.broker.hlen("unacked") and self._nobody_inside()

    def processes(self, crew: Crew) -> dict[str, Child]:
        """Whose CPU time belongs to a run of this crew."""
        return {child.name: child for child in crew.children} | self.servers.processes

    def _lay(
        self, contender: Contender, count: int, accounts: int
    ) -> tuple[list[Job], dict[int, int]]:
        jobs = work.sequence(count, accounts=accounts)
        balances = work.credits_for(jobs, accounts=accounts)
        self.ledger.reset(balances)
        contender.feed(jobs)
        self.ledger.settle()
        return jobs, balances

    def _drain(self, contender: Contender, count: int, patience: float = STUCK) -> float:
        """Wait until all jobs are through, or nothing has moved for `patience` seconds.

        Returns jobs a second without the first tenth, as seen from here.
        """
        crew, began = self.crews[contender.crew], time.monotonic()
        done, moved, warm = 0, began, began
        while done < count and time.monotonic() - moved < patience:
            time.sleep(0.02 if count < 1_000 or not contender.writes else 0.1)
            crew.assert_alive()
            known, done = done, self._done(contender, count)
            moved = moved if done == known else time.monotonic()
            warm = warm if done > WARM_UP * count else time.monotonic()
        return (1 - WARM_UP) * count / (time.monotonic() - warm)

    def _done(self, contender: Contender, count: int) -> int:
        if not contender.writes:
            return count - int(self.broker.llen("bare"))
        begun = self.ledger.begun()
        return begun if begun < count else self.ledger.written()

    def _nobody_inside(self) -> bool:
        return self.ledger.open_transactions() == 0
