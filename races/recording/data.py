"""A recording as data. Rows count from 1, as people do; a row is one moment of a run."""

from collections.abc import Iterator
from dataclasses import dataclass, field

HOLD, WAIT = "hold", "wait"


@dataclass(frozen=True)
class Place:
    """A line of our source with its few lines around, as they stood when it ran."""

    file: str
    function: str
    line: int
    first: int  # the number of the first of ``lines``
    lines: tuple[str, ...]

    @property
    def short(self) -> str:
        """File and line, as one says it aloud."""
        return f"{self.file.rpartition('/')[2]}:{self.line}"

    @property
    def code(self) -> str:
        """The line itself."""
        return self.lines[self.line - self.first]


@dataclass(frozen=True)
class Moment:
    """A step that was made, or a statement that went on after a wait."""

    worker: str
    text: str
    result: str = ""
    note: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class Turn:
    """One choice of the schedule and what came of it.

    ``missed`` says why nothing did: the one whose turn it was waits, or has ended.
    """

    choice: str
    moments: tuple[Moment, ...] = ()
    missed: str = ""
    could: str = ""  # the choices that were open
    world: str = ""  # what is committed by now, where that differs from the start


@dataclass(frozen=True)
class Span:
    """Something held, or waited for, by one worker, from one row to another."""

    worker: str
    kind: str
    what: str
    first: int
    last: int


@dataclass(frozen=True)
class Run:
    """One schedule under one form. ``wanted`` is what was asked for, ``schedule`` what ran."""

    wanted: str
    schedule: str
    workers: tuple[str, ...]
    turns: tuple[Turn, ...]
    spans: tuple[Span, ...] = ()
    message: str = ""  # what the check said; empty where the run holds
    sentence: str = ""  # what went wrong, or what kept it right, made from the run
    fault: int = 0  # the turn at which it went wrong; 0: it did not
    lost: int = 0  # the turn after which every way to go on fails, where that is known

    @property
    def holds(self) -> bool:
        """Nothing was broken."""
        return not self.message

    def moments(self) -> Iterator[tuple[int, Moment]]:
        """Every moment with the number of its turn."""
        for number, turn in enumerate(self.turns, start=1):
            for moment in turn.moments:
                yield number, moment


@dataclass(frozen=True)
class Form:
    """One way to write it, and the runs that were recorded.

    ``all`` and ``broken``: how many schedules there are, and how many of them break it, where
    every one was run; 0 where not. ``proven``: in how many schedules, which stand for all there
    are, the explorer found it to hold; ``deaths``: at how many places a process was killed.
    """

    name: str
    kind: str
    runs: tuple[Run, ...]
    all: int = 0
    broken: int = 0
    proven: int = 0
    deaths: int = 0

    def own(self) -> tuple[Run, ...]:
        """The runs of this form's own schedules, as against those of other forms'."""
        return tuple(run for run in self.runs if run.wanted == run.schedule)

    def find(self, wanted: str) -> Run | None:
        """The run of this schedule, if it was recorded."""
        same = (run for run in self.runs if wanted in (run.wanted, run.schedule))
        return min(same, key=lambda run: run.wanted != wanted, default=None)


@dataclass(frozen=True)
class Recording:
    """All recorded forms of one scenario."""

    scenario: str
    forms: tuple[Form, ...] = field(default_factory=tuple)

    def form(self, name: str) -> Form | None:
        """The form of this name, if it was recorded."""
        return next((form for form in self.forms if form.name == name), None)
