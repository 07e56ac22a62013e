"""More worker processes, one hot account, and what exactly once costs: the drain, varied."""

from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import django

from benchmarks import jobs as work
from benchmarks.contenders import Contender, in_process, ours_crew
from benchmarks.drain import WARM_UP_JOBS, Track
from benchmarks.jobs import ACCOUNTS, Job
from benchmarks.machine import cpu_seconds
from benchmarks.servers import Servers

PROCESSES = (1, 2, 4, 8)
OURS = ("ours_batch", "ours_single")


def measure(servers: Servers, *, rounds: int, scale: float) -> dict[str, Any]:
    """1 to 8 processes in turn, and 50 accounts beside one that all jobs are for."""
    sizes = {f"{count} processes": count for count in PROCESSES}
    crews = {name: ours_crew(servers, count) for name, count in sizes.items()}
    usual = [one for one in in_process() if one.name in OURS]
    varied = [
        (replace(one, name=f"{one.name}, {crew}", crew=crew, jobs=int(one.jobs * scale)), accounts)
        for one in usual
        for crew, accounts in [*((crew, ACCOUNTS) for crew in crews), ("2 processes", 1)]
    ]
    with Track(servers, crews) as track:
        for name, count in sizes.items():
            both = [replace(one, crew=name) for one in usual]
            track.begin(name, both, WARM_UP_JOBS * count)
        for _ in range(rounds):
            for contender, accounts in varied:
                named = replace(contender, name=f"{contender.name}, {_accounts(accounts)}")
                track.run(named, max(100, contender.jobs), accounts=accounts)
        return {name: _short(drained.as_dict()) for name, drained in track.results.items()}


def share(track: Track, contenders: Sequence[Contender], *, rounds: int) -> dict[str, Any]:
    """CPU a job with the outbox, and of the very same effect called in a loop without it."""
    found: dict[str, Any] = {}
    for contender in contenders:
        for _ in range(rounds):
            track.run(contender, contender.jobs)
        used = track.results[contender.name].as_dict()["cpu_ms_per_job"]
        found[contender.name] = _total(used)
        found[f"{contender.name}, effect alone"] = _alone(track, contender)
    return found


def _alone(track: Track, contender: Contender) -> dict[str, float]:
    """The effect in a process of its own, job by job or in batches, nobody else at work."""
    jobs = work.sequence(contender.jobs)
    track.ledger.reset(work.credits_for(jobs))
    track.ledger.settle()
    postgres = track.servers.processes["postgres"].pid
    before = cpu_seconds(postgres)
    # The effects' module needs Django set up before it can even be found by its name.
    with (
        track.ledger.clients_gone(),
        get_context("spawn").Pool(1, initializer=django.setup) as pool,
    ):
        seconds = pool.apply(_effects, (contender.name == "ours_batch", jobs))
    in_postgres = cpu_seconds(postgres) - before
    count = len(jobs)
    return _total({"worker": 1000 * seconds / count, "postgres": 1000 * in_postgres / count})


def _effects(in_batches: bool, jobs: list[Job]) -> float:
    """CPU seconds of this process for these effects, connected and warm. Runs in a child."""
    import time

    from django.db import transaction

    from benchmarks.work import effects

    with transaction.atomic():
        effects.deduct_batch([])
    began = time.process_time()
    if in_batches:
        for start in range(0, len(jobs), 500):
            with transaction.atomic():
                part = jobs[start : start + 500]
                effects.deduct_batch([(job.operation, job.account_id) for job in part])
    else:
        for job in jobs:
            with transaction.atomic():
                effects.deduct_guarded(operation=str(job.operation), account_id=job.account_id)
    return time.process_time() - began


def _total(used: dict[str, float]) -> dict[str, float]:
    rounded = {f"{name}_cpu_ms": round(value, 4) for name, value in used.items()}
    return {**rounded, "total_cpu_ms": round(sum(used.values()), 4)}


def _accounts(accounts: int) -> str:
    return "one account" if accounts == 1 else f"{accounts} accounts"


def _short(figures: dict[str, Any]) -> dict[str, Any]:
    names = ("median", "min", "max", "sums_kept", "others_used")
    return {name: figures[name] for name in names}
