"""The goals, each a ratio within one run, against what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks import queueing
from benchmarks.names import UNBOUNDED


@dataclass(frozen=True)
class Goal:
    """One goal, the part that measured it, and what the figures say of why it was missed or, for a
    sustained rate, of what bounds it.
    """

    part: str
    text: str
    wanted: str
    measured: str
    reached: bool
    why: str = ""

    @property
    def verdict(self) -> str:
        """In a word."""
        return "reached" if self.reached else "**not reached**"


def of(known: dict[str, Any]) -> list[Goal]:
    """All that the figures at hand can answer."""
    cores = known.get("machine", {}).get("cores", 0)
    latencies = _latencies(known.get("latency", {}), cores)
    return [*_drains(known.get("drain", {})), *latencies, *_rest(known)]


ORM_PEERS = (
    *("celery_locked", "celery_guarded", "django_celery_outbox", "procrastinate"),
    *("dramatiq", "huey", "rq", "django_tasks"),
)
RAW_PEERS = ("celery_guarded_raw", "dbos")
"""Python peers that run the one statement of `ours_single_raw`."""

BUSY = 0.85
"""The share of the cores from which on they are taken for the narrow place."""

RECORDS = "Every claim passes the dead records of runs, which an open transaction keeps"
DEAD = (
    "Dead versions that an open transaction keeps: every look from the start passes all that has "
    "been done since. "
)
GOES_ON = "The worker's own looks go on from its position"
BESIDE_OLD = {
    "claim_500": RECORDS,
    "empty_poll": RECORDS,
    "claim_500_from_the_start": DEAD + GOES_ON,
    "empty_poll_from_the_start": DEAD + GOES_ON,
    "relay_count": DEAD + "The relay's count is one; no worker waits for it",
}
"""Why each is dearer once many were drained beside an open transaction."""

SHARED = "Pruning and its backend share the cores and the disk with what is timed"

YARDSTICKS = {
    "batch_loop": ("ours_batch", "without any queue"),
    "orm_loop": ("ours_single", "without any queue"),
    "orm_queue_loop": ("ours_single", "a lean queue in the same transaction"),
}
"""The same effect in a loop: what no queue can surpass, and what one does that keeps nothing."""


def _drains(drain: dict[str, Any]) -> Iterator[Goal]:
    wanted = [
        ("ours_batch", "celery_naive", 50.0),
        ("ours_batch", "graphile_worker", 5.0),
        ("ours_batch", "pg_boss_batch", 1.0),
        ("ours_batch", "postgres_100", 0.5),
        ("ours_batch", "postgres_100_queue", 0.5),
        ("ours_single", "celery_naive", 3.0),
        *(("ours_single", peer, 1.0) for peer in ORM_PEERS),
        *(("ours_single_raw", peer, 1.0) for peer in RAW_PEERS),
    ]
    for one, other, least in wanted:
        if one in drain and other in drain:
            ratio, spread = _in_pairs(_rates(drain[one]), _rates(drain[other]))
            text, reached = f"drain: `{one}` / `{other}`", ratio >= least
            why = "" if reached else _profile(drain, one, other)
            measured = f"{ratio:.2f} ({spread}by CPU a job {_by_cpu(drain, one, other):.2f})"
            yield Goal("drain", text, f"≥ {least:g}", measured, reached, why)


def _rates(drained: dict[str, Any]) -> list[float]:
    """Of each round; earlier results have their median alone."""
    return drained.get("rates") or [drained["median"]]


def _in_pairs(one: list[float], other: list[float]) -> tuple[float, str]:
    """The median of the rounds' own ratios, since what ran in the same minutes is alike, and the
    smallest and the largest of them.
    """
    if len(one) != len(other):  # one of them is of earlier results
        one, other = [median(one)], [median(other)]
    ratios = [a / b if b else 0.0 for a, b in zip(one, other, strict=True)]
    return median(ratios), _spread(ratios)


def _spread(rounds: list[float]) -> str:
    return f"{min(rounds):.2f}-{max(rounds):.2f}; " if len(rounds) > 1 else ""


def _by_cpu(drain: dict[str, Any], one: str, other: str) -> float:
    """The same ratio by the processors' time, which is usable where others keep them busy."""
    ours, theirs = (sum(drain[name]["cpu_ms_per_job"].values()) for name in (one, other))
    return theirs / ours if ours else 0.0


def _profile(drain: dict[str, Any], one: str, other: str) -> str:
    """What the same effect comes to at best, and where the processors' time goes."""
    yardsticks = {
        name: what for name, (whose, what) in YARDSTICKS.items() if whose == one and name in drain
    }
    told = ""
    for name, what in yardsticks.items():
        ratio, _ = _in_pairs(_rates(drain[name]), _rates(drain[other]))
        told += f"`{name}`, {what}, comes to {ratio:.2f}. "
    used = {name: _cpu(drain[name]["cpu_ms_per_job"]) for name in (*yardsticks, one, other)}
    return f"{told}CPU ms a job: " + "; ".join(f"`{name}` {cpu}" for name, cpu in used.items())


def _cpu(used: dict[str, float]) -> str:
    postgres = used.get("postgres", 0.0)
    return f"{sum(used.values()):.3g} ({postgres:.3g} of it PostgreSQL)"


def _latencies(latency: dict[str, Any], cores: int) -> Iterator[Goal]:
    if "ours" in latency and "celery_bare" in latency:
        for column in ("p50_ms", "p99_ms"):
            ours, bare = latency["ours"], latency["celery_bare"]
            text = f"commit → effect at 50/s, {column[:3]}: ours / bare Celery"
            ratio, spread = _in_pairs(_waited(ours, column), _waited(bare, column))
            detail = f"{spread}{ours[column]} / {bare[column]} ms"
            yield _most("latency", text, ratio, 1.2, detail, _spent(latency, "ours", "celery_bare"))
    for name, handler in (("ours", "ordinary"), ("ours_batch", "batch")):
        if loaded := latency.get(f"{name}_at_80_percent"):
            text = f"commit → effect at 80 % of capacity, {handler} handler, p99 in ms"
            rounds = _waited(loaded, "p99_ms")
            rates = _waited(loaded, "jobs_per_second")
            detail = f"{_spread(rounds)}at {', '.join(f'{rate:,.0f}' for rate in rates)} a second"
            why = _queue(loaded, cores)
            why += _spent(latency, f"{name}_at_80_percent", "celery_bare_at_that_rate")
            yield _most("latency", text, median(rounds), 50, detail, why)


def _waited(waited: dict[str, Any], column: str) -> list[float]:
    """That of each round; earlier results have that of all samples alone."""
    return [one[column] for one in waited.get("rounds", []) if column in one] or [waited[column]]


def _queue(loaded: dict[str, Any], cores: int) -> str:
    """How full the cores are, and what one queue for them would make of it. No bound: who shares
    the cores finely, and whose jobs get cheaper while they wait, does better.
    """
    each, rate = sum(loaded.get("cpu_ms_per_job", {}).values()) / 1000, loaded["jobs_per_second"]
    if not 0 < rate * each < cores:
        return ""
    wait = 1000 * queueing.late_wait(rate, each, cores)
    return (
        f"Jobs of {1000 * each:.1f} ms of CPU that come at random moments keep the {cores} cores "
        f"busy for {rate * each / cores:.0%} of the time; in one queue for them, were their times "
        f"exponential, one in a hundred would wait {wait:.0f} ms (Erlang's formula). "
    )


def _spent(latency: dict[str, Any], *names: str) -> str:
    """What a job costs whom, at that rate."""
    told = [
        f"`{name}` " + ", ".join(f"{process} {cpu:.2g}" for process, cpu in used.items())
        for name in names
        if (used := latency.get(name, {}).get("cpu_ms_per_job"))
    ]
    return f"CPU ms a job: {'; '.join(told)}" if told else ""


def _rest(known: dict[str, Any]) -> Iterator[Goal]:
    if enqueue := known.get("enqueue"):
        yield from _enqueues(enqueue)
    if growth := known.get("growth"):
        yield from _growth(growth)
    if backlog := known.get("backlog"):
        yield from _backlog(backlog)
    for name, run in known.get("sustained", {}).items():
        enqueued = run["enqueued_per_second"]
        ratio = run["done_per_second"] / enqueued if enqueued else 0.0  # in a run of a moment
        text = f"done / enqueued while both go on: {name}"
        detail = f"{run['done_per_second']:,.0f} / {run['enqueued_per_second']:,.0f} a second"
        measured, reached = f"{ratio:.2f} ({detail})", ratio >= 0.9
        yield Goal("sustained", text, "≥ 0.9", measured, reached, _narrow(run))
        used = _by_process(run)
        worker = used.pop("worker", 0.0)
        if used and not name.endswith(UNBOUNDED):
            busiest = max(used, key=lambda process: used[process])
            text = f"CPU of the worker / of the busiest beside it: {name}"
            yield _most("sustained", text, worker / used[busiest], 1, f"`{busiest}`")


def _enqueues(enqueue: dict[str, Any]) -> Iterator[Goal]:
    wanted = {
        "ratio_to_plain_insert": "`enqueue`",
        "ratio_with_dispatch": "`enqueue_and_dispatch`",
        "ratio_with_a_dispatch_each": "`enqueue_and_dispatch_each`",
    }
    for name, what in wanted.items():
        if name in enqueue:
            text = f"{what} / a plain ORM INSERT, both with the business row"
            yield _most("enqueue", text, enqueue[name], 1.3, "", _published(enqueue))


def _published(enqueue: dict[str, Any]) -> str:
    """What publishing costs by itself."""
    ways = ("business_row_alone", "plain_insert", "enqueue", "celery_publish")
    told = [f"`{name}` {enqueue[name]['ms']:.2f}" for name in ways if name in enqueue]
    return f"ms: {', '.join(told)}. An INSERT tells no broker; a bare Celery task's publish does"


def _narrow(run: dict[str, Any]) -> str:
    """Where it is narrow while both go on, judged by the processors' time."""
    if "cores_used" not in run:
        return ""
    used = _by_process(run)
    total, cores = sum(used.values()), run["cores"]
    busy = run["cores_used"] / cores + run["others_used"]
    if not total:  # where there is no /proc
        return ""
    most = max(used, key=lambda name: used[name])
    place = (
        f"the {cores} cores that all share; of a job's time on them `{most}` takes "
        f"{used[most] / total:.0%}"
        if busy >= BUSY
        else f"none of the processors ({busy:.0%} busy): each waits for the disk and for others"
    )
    told = ", ".join(f"{name} {cpu:.2g}" for name, cpu in used.items())
    return (
        f"CPU ms a job: {told}; together {total:.2g}, so {cores} cores allow "
        f"{1000 * cores / total:,.0f} a second. The narrow place: {place}"
    )


def _by_process(run: dict[str, Any]) -> dict[str, float]:
    """CPU ms a job of each that used any; empty where there is no /proc."""
    suffix = "_cpu_ms"
    return {
        name.removesuffix(suffix): cpu for name, cpu in run.items() if name.endswith(suffix) and cpu
    }


def _growth(growth: dict[str, Any]) -> Iterator[Goal]:
    sizes = [name for name in growth if name.startswith("finished_")]
    largest = f"{int(sizes[-1].removeprefix('finished_')):,}"
    for name in ("claim_500", "empty_poll", "enqueue"):
        ratio = growth["largest_ratio"][f"{name}_ms"]
        text = f"{name.replace('_', ' ')} beside {largest} finished rows / none"
        yield _most("growth", text, ratio, 1.2)
    opened = growth["open_transaction"]
    for name, why in BESIDE_OLD.items():
        ratio = opened["largest_ratio"][f"{name}_ms"]
        before, after = (opened[when][f"{name}_ms"] for when in ("before", "after"))
        text = f"{name.replace('_', ' ')} after {opened['drained']:,} drained beside an open "
        detail = f"{after:.3g} / {before:.3g} ms"
        yield _most("growth", f"{text}transaction / before", ratio, 3, detail, why)
    if pruning := growth.get("pruning"):
        for name in ("claim_500", "enqueue"):
            ratio = pruning["ratio"][f"{name}_ms"]
            text = f"{name.replace('_', ' ')} while {pruning['rows']:,} rows are pruned / before"
            detail = f"the longest {pruning['beside'][f'{name}_longest_ms']:.3g} ms"
            yield _most("growth", text, ratio, 1.5, detail, SHARED)


def _backlog(backlog: dict[str, Any]) -> Iterator[Goal]:
    large, small = backlog["large"], backlog["small"]
    ratio = large["jobs_per_second"] / small["jobs_per_second"]
    text = f"drain rate of a backlog of {large['messages']:,} / of {small['messages']:,}"
    yield Goal("backlog", text, "≥ 0.9", f"{ratio:.2f}", ratio >= 0.9)
    for process in ("worker", "relay"):
        before = small[f"{process}_mb"]
        grown = large[f"{process}_mb"] / before if before else 0.0  # where there is no /proc
        text = f"memory of the {process}, the large backlog / the small"
        yield _most("backlog", text, grown, 1.2)


def _most(part: str, text: str, ratio: float, most: float, detail: str = "", why: str = "") -> Goal:
    measured = f"{ratio:.2f} ({detail})" if detail else f"{ratio:.2f}"
    reached = ratio <= most
    return Goal(part, text, f"≤ {most:g}", measured, reached, "" if reached else why)
