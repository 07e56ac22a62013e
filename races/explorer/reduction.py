"""Proves the reduction by trial: for random programs, reduced and full search see the same ends.

An *end* is all that can be told apart: every table's rows, what each program read, its errors. The
full search leaves out nothing at all (see Scenario.search).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from .explorer import Explored, Explorer, Scenario
from .faults import Faults
from .programs import SCHEMA, START, TABLES, Program, random_program
from .question import Job

_LARGEST_TREE = 1500  # schedules in full; larger ones are left out and counted


@dataclass
class Comparison:
    """One set of programs: how many schedules each search took, and which ends they disagree on."""

    seed: int
    programs: list[Program]
    full: int = 0
    reduced: int = 0
    cut: int = 0
    missed: set[str] = field(default_factory=set)  # ends that the reduced search did not see
    extra: set[str] = field(default_factory=set)  # ends that only the reduced search saw
    too_large: bool = False
    kills: int = 0
    largest: int = _LARGEST_TREE

    @property
    def agrees(self) -> bool:
        """True where both searches saw the same ends."""
        return not self.missed and not self.extra


def compare(
    explorer: Explorer,
    seeds: Iterable[int],
    workers: int = 2,
    size: int = 3,
    kills: int = 0,
    largest: int = _LARGEST_TREE,
    *,
    alike: bool = False,
    further: bool = False,
) -> Iterator[Comparison]:
    """One comparison per seed; ``size``: the most statements that a worker has.

    ``kills``: how many processes may die in one schedule, at any point. ``alike``: all workers do
    the same. ``further``: of more forms.
    """
    explorer.server.connection.execute(SCHEMA, prepare=False)
    explorer.take_charge()
    for seed in seeds:
        chance = Random(seed)  # noqa: S311  not for secrets
        programs = [
            random_program(chance, chance.randint(1, size), further=further) for _ in range(workers)
        ]
        if alike:
            programs = programs[:1] * workers
        yield _compare(explorer, Comparison(seed, programs, kills=kills, largest=largest))


def _compare(explorer: Explorer, comparison: Comparison) -> Comparison:
    def setup() -> None:
        explorer.server.connection.execute(START, prepare=False)

    faults = Faults(kills=comparison.kills)
    with explorer.scenario(comparison.programs, setup=setup, faults=faults) as scenario:
        full = _full(scenario, comparison)
        if comparison.too_large:
            return comparison
        reduced = _reduced(scenario, comparison)
    comparison.missed, comparison.extra = full - reduced, reduced - full
    return comparison


def _full(scenario: Scenario, comparison: Comparison) -> set[str]:
    ends = set()
    for explored in scenario.search(reduce=False, omit=False):
        comparison.full += 1
        ends.add(_end(scenario, explored, comparison.programs))
        if comparison.full > comparison.largest:
            comparison.too_large = True
            break
    return ends


def _reduced(scenario: Scenario, comparison: Comparison) -> set[str]:
    ends = set()
    for explored in scenario.search():
        if explored.whole:
            comparison.reduced += 1
            ends.add(_end(scenario, explored, comparison.programs))
        else:
            comparison.cut += 1
    return ends


def _end(scenario: Scenario, explored: Explored, programs: Sequence[Job]) -> str:
    """Which of two workers was it that does the same is not told apart; the dead tell nothing."""
    connection = scenario.explorer.server.connection
    rows = [sorted(connection.execute(f"SELECT * FROM {table}").fetchall()) for table in TABLES]
    living = [outcome for outcome in explored.run.outcomes() if not outcome.error]
    said = [(programs.index(scenario.jobs[each.worker.rstrip("'")]), each.value) for each in living]
    return repr([rows, sorted(said, key=repr)])
