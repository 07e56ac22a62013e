"""Depth-first search over all schedules, each run from the start, with sleep sets.

A sleep set (P. Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996)
holds choices whose continuations were explored already, up to swaps of independent steps. Together
with a bound on preemptions they would be unsound: a bounded search does without.
"""

from dataclasses import dataclass, field

from . import schedule
from .dependency import NOTHING, Footprint, independent
from .errors import Divergence, ScheduleDoesNotFit
from .run import Run
from .schedule import ACK, STEP, Choice


@dataclass
class Node:
    """One place in the tree: what could happen, and what of it has been explored."""

    choices: list[Choice]
    signature: tuple[str, ...]
    asleep: dict[Choice, Footprint]
    last: str
    preemptions: int
    chosen: Choice
    answered: str = ""  # by the step that led here
    touched: Footprint = NOTHING
    tried: set[Choice] = field(default_factory=set)

    def cost(self, choice: Choice) -> int:
        """1 where the choice takes the turn from a worker that could go on."""
        could_go_on = Choice(self.last) in self.choices
        return int(choice.act in (STEP, ACK) and choice.worker != self.last and could_go_on)


class Search:
    """All schedules of a scenario, up to equivalence; or, bounded, those with few preemptions.

    For each: ``follow`` a run that has begun, look at the database, then ask for the ``next``.
    """

    def __init__(self, *, reduce: bool = True, bound: int | None = None) -> None:
        """``reduce=False`` explores every schedule; a ``bound`` does so within its preemptions."""
        self._reduce = reduce and bound is None
        self._bound = bound
        self._path: list[Node] = []
        self.left_out = False  # the bound hid something

    def follow(self, run: Run) -> bool:
        """Run along the path, then on to a leaf. False where the rest is known from another."""
        for depth, node in enumerate(self._path):
            _check_same(run, node, depth)
            node.touched = run.take(node.chosen)
        while choices := run.choices():
            fresh = self._extend(run, choices)
            if fresh is None:
                return False
            fresh.touched = run.take(fresh.chosen)
        return True

    def next(self) -> bool:
        """Go back to the deepest place where something is still open; False: all is explored."""
        while self._path:
            node = self._path[-1]
            node.tried.add(node.chosen)
            if self._reduce:
                node.asleep[node.chosen] = node.touched
            if self._choose(node):
                return True
            self._path.pop()
        return False

    def _extend(self, run: Run, choices: list[Choice]) -> Node | None:
        asleep, preemptions = {}, 0
        if self._path:
            parent = self._path[-1]
            asleep = self._still_asleep(parent)
            preemptions = parent.preemptions + parent.cost(parent.chosen)
        if run.settled:
            asleep = {}  # its one continuation is run to the end, so that every death is seen
        node = Node(choices, run.signature(), asleep, run.last, preemptions, choices[0])
        node.answered = _answer(run)
        if not self._choose(node):
            return None
        self._path.append(node)
        return node

    def _still_asleep(self, parent: Node) -> dict[Choice, Footprint]:
        if not self._reduce:
            return {}
        return {
            choice: touched
            for choice, touched in parent.asleep.items()
            if choice.worker != parent.chosen.worker and independent(touched, parent.touched)
        }

    def _choose(self, node: Node) -> bool:
        for choice in node.choices:
            if choice in node.tried or choice in node.asleep:
                continue
            if self._bound is not None and node.preemptions + node.cost(choice) > self._bound:
                self.left_out = True
                continue
            node.chosen = choice
            return True
        return False


def follow(run: Run, choices: list[Choice]) -> None:
    """Run one given schedule; where it ends before the workers do, go on without preemption.

    Raises ScheduleDoesNotFit, saying where it leaves the tree.
    """
    for number, choice in enumerate(choices, start=1):
        if choice not in run.choices():
            raise ScheduleDoesNotFit(_does_not_fit(run, choice, number))
        run.take(choice)
    while open_choices := run.choices():
        run.take(open_choices[0])


def _does_not_fit(run: Run, choice: Choice, number: int) -> str:
    so_far = schedule.format(run.taken) or "the start"
    standing = "; ".join(run.signature())
    can = ", ".join(str(each) for each in run.choices()) or "nothing: all have ended"
    return (
        f"The schedule leaves the tree at its step {number}, {choice}, after {so_far}. "
        f"There: {standing}. What can happen: {can}."
    )


def _answer(run: Run) -> str:
    return run.moments[-1].result if run.moments else ""


def _check_same(run: Run, node: Node, depth: int) -> None:
    # Not the answers: which of two moments is noted last is not decided by the schedule.
    if run.signature() == node.signature and run.choices() == node.choices:
        return
    before, now = "; ".join(node.signature), "; ".join(run.signature())
    raise Divergence(
        f"The same {depth} choices ({schedule.format(run.taken) or 'none'}) led somewhere else. "
        f"Before: {before}. Now: {now}. "
        f"The last step answered “{node.answered}” then and “{_answer(run)}” now. "
        "Chance, time or state left over from an earlier run decides what the workers do."
    )
