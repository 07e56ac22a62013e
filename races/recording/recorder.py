"""One run, choice by choice, with all that can be seen of it from outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from races.explorer import schedule
from races.explorer.dependency import NOTHING, Footprint
from races.explorer.run import Run as Running
from races.explorer.schedule import KILL, WAKE, Choice
from races.explorer.step import Moment as Step_
from races.explorer.step import Step
from races.recording.data import Moment, Place, Turn
from races.recording.locks import Locks
from races.recording.watched import WatchedSession
from races.recording.world import World

_MOST_TURNS = 300


@dataclass(frozen=True)
class Seen:
    """One moment as analysis needs it: its place in the run, its footprint, its end."""

    row: int
    turn: int
    worker: str
    text: str
    result: str
    note: str
    kind: str
    footprint: Footprint
    failed: bool

    @property
    def waits(self) -> bool:
        """The statement was not done yet when this was noted."""
        return self.note.startswith("waits")


@dataclass
class Recorder:
    """Drives one run along the wanted choices, as far as they are open, then without preemption.

    A choice that is not open is a missed turn: under another form the same worker may wait there,
    or have ended. That is what makes two forms comparable under one schedule.
    """

    wanted: Sequence[Choice]
    world: World
    turns: list[Turn] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    locks: Locks = field(default_factory=Locks)
    _pending: dict[str, tuple[Step, Place | None]] = field(default_factory=dict)

    def __call__(self, run: Running) -> None:
        """Make the run."""
        for choice in self.wanted:
            while _only_wakes(run) and choice not in run.choices():
                self._take(run, run.choices()[0])
            if choice in run.choices():
                self._take(run, choice)
            else:
                self.turns.append(Turn(str(choice), missed=_why_not(run, choice), could=_open(run)))
        while (choices := run.choices()) and len(self.turns) < _MOST_TURNS:
            self._take(run, choices[0])

    @property
    def ran(self) -> str:
        """The schedule as it was in the end."""
        made = (turn.choice for turn in self.turns if not turn.missed)
        return schedule.format(choice for text in made for choice in schedule.parse(text))

    def _take(self, run: Running, choice: Choice) -> None:
        could, before = _open(run), len(run.moments)
        session = _session(run, choice.worker)
        if choice.act != WAKE:
            self._pending[choice.worker] = (session.step, session.place)
        run.take(choice)
        turn = len(self.turns) + 1
        moments = tuple(self._moment(turn, made) for made in run.moments[before:])
        self.locks.release(run.sessions)
        world = self.world.tell(run.touched.changed)
        self.turns.append(Turn(str(choice), moments, could=could, world=world))

    def _moment(self, turn: int, made: Step_) -> Moment:
        step, place = self._pending[made.worker]
        row = len(self.seen) + 1
        dies = made.text == "†"
        if dies:
            self.locks.died(row, made.worker)
        else:
            self.locks.note(row, made.worker, step, made.note)
        self.seen.append(
            Seen(
                row, turn, made.worker, step.shown or step.text, made.result, made.note,
                KILL if dies else step.kind, NOTHING if dies else step.footprint, step.failed,
            )
        )  # fmt: skip
        return Moment(made.worker, made.text, made.result, made.note, place)


def _session(run: Running, worker: str) -> WatchedSession:
    return cast(WatchedSession, run.sessions[worker])


def _only_wakes(run: Running) -> bool:
    choices = run.choices()
    return bool(choices) and all(choice.act == WAKE for choice in choices)


def _open(run: Running) -> str:
    return " ".join(str(choice) for choice in run.choices())


def _why_not(run: Running, choice: Choice) -> str:
    if choice.worker not in run.sessions:
        return f"there is no {choice.worker}"
    state = run.state(choice.worker)
    if state == "blocked":
        return f"{choice.worker} waits"
    if state == "done":
        return f"{choice.worker} has ended"
    if choice.act == KILL:
        return "nobody dies here"
    return "not possible here"
