"""What is asked of the explorer: who works, on what, and what must be true in the end."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from .faults import Faults
from .step import Outcome

Job = Callable[[], Any]
_NAMES = "ABCDEFGH"
Check = Callable[[Sequence[Outcome]], None]


def nothing() -> None:
    """Nothing to do."""


def named(workers: Sequence[Job], others: Mapping[str, Job] | None = None) -> dict[str, Job]:
    """Workers A, B, C … and others by their own names; ValueError where one would be lost."""
    if len(workers) > len(_NAMES):
        raise ValueError(f"At most {len(_NAMES)} workers, and these are {len(workers)}.")
    jobs = dict(zip(_NAMES, workers, strict=False))
    if taken := jobs.keys() & (others or {}).keys():
        raise ValueError(f"{', '.join(sorted(taken))} is a worker's name: name the act otherwise.")
    return {**jobs, **(others or {})}


@dataclass(frozen=True)
class Question:
    """Two or three workers, their start, their faults, and the check after every schedule.

    ``setup`` fills the database once; ``begin`` puts back, before each schedule, what lives outside
    it. ``check`` raises AssertionError where the invariant is broken. An error that ends a worker
    is a violation unless its class is among ``expects``. ``environment`` names acts of the outside
    world (a lease runs out), each done once, at every possible moment.
    """

    workers: Sequence[Job]
    check: Check
    setup: Job = nothing
    begin: Job = nothing
    kills: int = 0  # processes that may die in one schedule; their jobs come again
    acks: int = 0  # commits whose reply may be lost in one schedule
    environment: Mapping[str, Job] = field(default_factory=dict)
    comes_again: Callable[[str], bool] = lambda worker: True
    expects: tuple[type[BaseException], ...] = ()
    aftermath: Job = nothing  # what life does afterwards (time passes, the relay rings), then check
    around: Callable[[], AbstractContextManager[Any]] = nullcontext  # for the whole exploration
    bound: int | None = None  # preemptions; None: all schedules
    deaths_within: int | None = None  # preemptions beside a death; None: as many as beside none
    mutate: Callable[[str], str] | None = None

    @property
    def jobs(self) -> dict[str, Job]:
        """Every worker by its name; those of the environment last."""
        return named(self.workers, self.environment)

    @property
    def faults(self) -> Faults:
        """What may go wrong, and for whom."""
        return Faults(self.kills, self.acks, frozenset(self.environment), self.comes_again)

    def but(self, **changes: Any) -> "Question":
        """The same question with something changed."""
        return replace(self, **changes)
