"""What may go wrong in a schedule, how often, and to whom."""

from collections.abc import Callable
from dataclasses import dataclass

from .schedule import ACK, KILL, Choice
from .step import Step


@dataclass
class Faults:
    """How much may go wrong in one schedule."""

    kills: int = 0
    acks: int = 0
    spared: frozenset[str] = frozenset()  # never die: the acts of the environment
    comes_again: Callable[[str], bool] = lambda worker: True  # after its death, as A', B'

    def may_die(self, worker: str) -> bool:
        """True where the worker's process may be killed in some schedule."""
        return bool(self.kills) and worker not in self.spared


class Budget:
    """What of the faults is left in one run, and where they struck."""

    def __init__(self, faults: Faults, *, omit: bool = True) -> None:
        self._faults = faults
        self._omit = omit
        self._left = {KILL: faults.kills, ACK: faults.acks}
        self.struck: set[tuple[str, int]] = set()  # worker, steps that it had made

    def open_to(self, worker: str, step: Step, steps_made: int) -> list[Choice]:
        """The faults that can strike the worker at this step."""
        found = []
        if self._left[ACK] and step.may_lose_reply:
            found.append(Choice(worker, ACK))
        # who comes again after dying before its first step has merely begun later
        differs = steps_made or not (self._omit and self._faults.comes_again(worker))
        if self.deaths_left and differs and self._faults.may_die(worker):
            found.append(Choice(worker, KILL))
        return found

    @property
    def deaths_left(self) -> int:
        """How many may still die."""
        return self._left[KILL]

    def strike(self, act: str, worker: str, steps_made: int) -> None:
        """One fault strikes."""
        self._left[act] -= 1
        self.struck.add((worker, steps_made))
