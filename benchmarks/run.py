"""One run of the benchmark, part by part. Imported once Django is set up."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from benchmarks import (
    backlog,
    enqueueing,
    feeds,
    growth,
    latency,
    ordinary,
    profile,
    pruning,
    scaling,
    sustained,
)
from benchmarks.contenders import CREWS, Contender, in_process
from benchmarks.credits.part import credit_path
from benchmarks.drain import Drained, Track
from benchmarks.floor import FLOORS, Floor
from benchmarks.latency import Subject, Waited
from benchmarks.machine import Meter
from benchmarks.peers.catalog import PEERS, Peer
from benchmarks.progress import say
from benchmarks.servers import Servers
from benchmarks.sizes import Size

One = TypeVar("One")
Turn = Contender | Peer | Floor

LATENCY_RATE = 50.0
"""Jobs a second: what a busy shop does, and far from anybody's limit."""


@dataclass
class Bench:
    """What every part needs."""

    servers: Servers
    size: Size
    only: set[str]

    def chosen(self, names: Sequence[str]) -> list[str]:
        """Those that were asked for; all, where nothing was."""
        return [name for name in names if not self.only or name in self.only]

    def track(self, contenders: Sequence[Contender]) -> Track:
        """The crews of these contenders, started and warm. The caller ends it."""
        names = sorted({contender.crew for contender in contenders})
        track = Track(self.servers, {name: CREWS[name](self.servers) for name in names})
        try:
            track.start(contenders)
        except BaseException:
            track.__exit__()
            raise
        return track


def drain(bench: Bench) -> dict[str, Any]:
    """Everybody in turn, as often as the size says, every other round backwards."""
    contenders = [one for one in in_process() if bench.chosen([one.name])]
    floors = [one for one in FLOORS if bench.chosen([one.name])]
    rounds = bench.size.rounds
    peers, missing = _installed(bench)
    with bench.track(contenders) as track:
        joined = [peer for peer in peers if _join(track, peer, missing)]
        for number in range(rounds):
            turns: list[Turn] = [*contenders, *joined, *floors]
            for one in _in_order(number, turns):
                with _unless_it_fails(track, one, missing):
                    rate = _take_turn(bench, track, one)
                    say(f"drain {number + 1}/{rounds}  {one.name:20}{rate:10,.0f} jobs/s")
            joined = [peer for peer in joined if peer.name not in missing]
        measured = {name: drained.as_dict() for name, drained in track.results.items()}
    return {**measured, "missing": missing}


def latencies(bench: Bench) -> dict[str, Any]:
    """Ours and bare Celery, the same ORM code, in turn at the same rate; then each of ours at four
    fifths of what it can do in these minutes, and bare Celery at the rate of the first.
    """
    ours = Subject("ours", "ours", feeds.ours_one("work.deduct"))
    batch = Subject("ours_batch", "ours", feeds.ours_one("work.deduct_batch"))
    bare = Subject("celery_bare", "bare", feeds.bare_one("bare.guarded"))
    waited: dict[str, Waited] = {}
    names = ("ours_single", "ours_batch", "celery_guarded")
    seconds = bench.size.latency_seconds

    def run(name: str, subject: Subject, rate: float) -> None:
        one = waited.setdefault(name, Waited())
        latency.run(track, subject, one, rate=rate, seconds=seconds)

    with bench.track([one for one in in_process() if one.name in names]) as track:
        for number in range(bench.size.latency_rounds):
            for subject in _in_order(number, [ours, bare]):
                run(subject.name, subject, LATENCY_RATE)
            rate = 0.8 * latency.capacity(track, ours, seconds / 2)
            turns = [("ours_at_80_percent", ours), ("celery_bare_at_that_rate", bare)]
            for name, subject in _in_order(number, turns):
                run(name, subject, rate)
            rate = 0.8 * latency.capacity(track, batch, seconds / 2)
            run("ours_batch_at_80_percent", batch, rate)
    found = {name: one.as_dict() for name, one in waited.items()}
    for name, figures in found.items():
        say(f"latency  {name:20} p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms")
    return found


def enqueue(bench: Bench) -> dict[str, Any]:
    """What the request pays. No worker runs meanwhile."""
    with bench.track([]) as track:
        found = enqueueing.measure(track, rounds=bench.size.rounds, count=bench.size.enqueues)
    say(f"enqueue  {found['ratio_to_plain_insert']} times a plain INSERT")
    return found


def grow(bench: Bench) -> dict[str, Any]:
    """Beside finished rows, an open transaction, and pruning. No worker runs meanwhile."""
    with bench.track([]) as track:
        found = growth.measure(track, bench.size.finished)
        found["open_transaction"] = growth.beside_open_transaction(track, bench.size.drained)
        found["pruning"] = pruning.measure(track, bench.size.pruned)
        track.ledger.reset({})
    say(f"growth   {found['largest_ratio']}")
    return found


def scale(bench: Bench) -> dict[str, Any]:
    """1 to 8 worker processes, one hot account beside 50, and what exactly once costs."""
    rounds = bench.size.latency_rounds
    found = scaling.measure(bench.servers, rounds=rounds, scale=bench.size.scale)
    for name, one in found.items():
        say(f"scaling  {name:42}{one['median']:10,.0f} jobs/s")
    return found


def share(bench: Bench) -> dict[str, Any]:
    """The CPU of a job with the outbox and without it, the same code."""
    contenders = [
        replace(one, jobs=bench.size.jobs(one.jobs))
        for one in in_process()
        if one.name in ("ours_batch", "ours_single", "celery_guarded")
    ]
    with bench.track(contenders) as track:
        found = scaling.share(track, contenders, rounds=bench.size.latency_rounds)
    for name, one in found.items():
        say(f"share    {name:42}{one['total_cpu_ms']:10} ms")
    return found


def by_statement(bench: Bench) -> dict[str, Any]:
    """A batch's message and an ordinary one, statement by statement. No worker runs meanwhile."""
    with bench.track([]) as track:
        found = profile.measure(track, bench.size.batches)
        one_by_one = ordinary.measure(track, bench.size.batches)
    for name, one in [*found.items(), *one_by_one.items()]:
        say(f"profile  {name:42}{one['postgres_us']:8} + {one['python_us']} us")
    return {**found, "ordinary": one_by_one}


def pile_up(bench: Bench) -> dict[str, Any]:
    """A long backlog beside a short one."""
    (contender,) = [one for one in in_process() if one.name == "ours_batch"]
    with bench.track([contender]) as track:
        found = backlog.measure(track, contender, bench.size.backlogs)
    say(f"backlog  {found}")
    return found


def sustain(bench: Bench) -> dict[str, Any]:
    """Enqueue and drain together."""
    contenders = [one for one in in_process() if one.name in ("ours_batch", "ours_single")]
    with bench.track(contenders) as track:
        found = sustained.measure(track, bench.size.latency_seconds)
    for name, one in found.items():
        say(f"sustained  {name}: {one}")
    return found


Part = Callable[[Bench], dict[str, Any]]
PARTS: dict[str, Part] = {
    "drain": drain,
    "latency": latencies,
    "enqueue": enqueue,
    "growth": grow,
    "scaling": scale,
    "share": share,
    "profile": by_statement,
    "backlog": pile_up,
    "sustained": sustain,
    "credits": credit_path,
}


def _installed(bench: Bench) -> tuple[list[Peer], dict[str, str]]:
    """The peers that run here, and why the others do not."""
    if not bench.size.with_peers:
        return [], {}
    wanted = [peer for peer in PEERS if bench.chosen([peer.name])]
    reasons = {peer.name: peer.install() for peer in wanted}
    missing = {name: reason for name, reason in reasons.items() if reason}
    for name, reason in missing.items():
        say(f"without {name}: {reason}")
    return [peer for peer in wanted if peer.name not in missing], missing


def _join(track: Track, peer: Peer, missing: dict[str, str]) -> bool:
    """Start the peer's processes and warm them up; whether that went well."""
    with _unless_it_fails(track, peer, missing):
        track.crews[peer.name] = peer.crew(track.servers)
        track.begin(peer.name, [peer.contender(track.servers)])
    return peer.name not in missing


@contextmanager
def _unless_it_fails(track: Track, one: Turn, missing: dict[str, str]) -> Iterator[None]:
    """A peer that fails is left out and named with its last words; the others go on."""
    try:
        yield
    except Exception as error:
        if not isinstance(one, Peer):
            raise
        last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        missing[one.name] = f"failed: {last[:300]}"
        say(f"without {one.name}: {missing[one.name]}")
        track.end(one.name)


def _in_order(number: int, turns: list[One]) -> list[One]:
    """The turns of a round, every other time from the last to the first."""
    return turns[::-1] if number % 2 else turns


def _take_turn(bench: Bench, track: Track, one: Turn) -> float:
    """One run of one of them. Returns jobs a second."""
    jobs = bench.size.jobs(one.jobs)
    if isinstance(one, Floor):
        return _run_floor(track, one, jobs)
    return track.run(one.contender(bench.servers) if isinstance(one, Peer) else one, jobs)


def _run_floor(track: Track, floor: Floor, jobs: int) -> float:
    floor.lay(track.ledger, jobs)
    postgres = {"postgres": track.servers.processes["postgres"]}
    with Meter(postgres, commands="pgbench") as meter, track.ledger.clients_gone():
        rate = floor.run(track.servers, jobs)
    count, sums = floor.check(track.ledger)
    track.results.setdefault(floor.name, Drained()).add(rate, count, meter, sums)
    return rate
