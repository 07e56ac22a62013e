"""A run as a table: one row for each moment, spans beside the statements; or two runs abreast.

Two runs of the same schedule are aligned turn by turn. A side that makes more of a turn (a commit
that wakes another) gives the other an empty row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from races.recording.data import HOLD, WAIT, Moment, Run, Span, Turn

STEP, MISSED, EMPTY, FREE = "step", "missed", "empty", "free"
_MOST_LANES = 3


@dataclass(frozen=True)
class Cell:
    """One cell of the table. ``rows``: how far down it reaches."""

    kind: str  # STEP, MISSED, EMPTY, FREE, HOLD or WAIT
    worker: int  # which colour
    rows: int = 1
    moment: Moment | None = None
    text: str = ""
    world: str = ""


@dataclass(frozen=True)
class Row:
    """One row. ``when``: past, now or future, as seen from the step one is at."""

    turn: int
    leads: bool  # it is the first of its turn
    height: int  # of its turn, in rows
    when: str
    cells: tuple[Cell, ...]
    fault: bool = False
    lost: bool = False


@dataclass(frozen=True)
class Column:
    """A worker's column, and the narrow lanes beside it for what it holds."""

    worker: str
    colour: int
    lanes: int

    @property
    def width(self) -> int:
        """In cells."""
        return self.lanes + 1


@dataclass(frozen=True)
class Side:
    """One run of the table."""

    name: str
    run: Run
    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """In cells."""
        return sum(column.width for column in self.columns)


@dataclass(frozen=True)
class Board:
    """The whole table."""

    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    step: int
    turns: int


def lay_out(runs: Sequence[tuple[str, Run]], step: int) -> Board:
    """The table of one or two named runs, seen from a step."""
    turns = max(len(run.turns) for _, run in runs)
    heights = [max(_height(run, turn) for _, run in runs) for turn in range(turns)]
    grids = [_Grid(name, run, heights) for name, run in runs]
    rows = []
    for turn, height in enumerate(heights, start=1):
        for offset in range(height):
            place = sum(heights[: turn - 1]) + offset
            rows.append(
                Row(
                    turn=turn,
                    leads=offset == 0,
                    height=height,
                    when=_when(turn, step),
                    cells=tuple(cell for grid in grids for cell in grid.cells(place)),
                    fault=any(run.fault == turn for _, run in runs),
                    lost=any(run.lost == turn for _, run in runs),
                )
            )
    return Board(tuple(grid.side for grid in grids), tuple(rows), step, turns)


def _height(run: Run, turn: int) -> int:
    return max(1, len(run.turns[turn].moments)) if turn < len(run.turns) else 1


def _when(turn: int, step: int) -> str:
    return "now" if turn == step else "past" if turn < step else "future"


@dataclass
class _Grid:
    """The cells of one run, place by place."""

    name: str
    run: Run
    heights: list[int]
    _steps: dict[tuple[int, str], Cell] = field(default_factory=dict)
    _places: list[int] = field(default_factory=list)  # of each moment

    def __post_init__(self) -> None:
        """Put every moment in its place."""
        place, world = 0, ""
        for turn, height in zip(self.run.turns, self.heights, strict=False):
            news = turn.world if turn.world != world and not turn.missed else ""
            world = world if turn.missed else turn.world
            self._put(turn, place, news)
            place += height
        self._lanes = {worker: _lanes(self._spans(worker, HOLD)) for worker in self.run.workers}
        self.side = Side(
            self.name,
            self.run,
            tuple(
                Column(worker, _colour(self.run, worker), len(self._lanes[worker]))
                for worker in self.run.workers
            ),
        )

    def cells(self, place: int) -> list[Cell]:
        """The cells of one row; those that reach down from above are not named again."""
        found: list[Cell] = []
        for column in self.side.columns:
            for lane in self._lanes[column.worker]:
                found += self._lane_cell(lane, place, column.colour)
            found += self._step_cell(column, place)
        return found

    def _put(self, turn: Turn, place: int, news: str) -> None:
        if turn.missed:
            worker = turn.choice.rpartition(":")[2]
            if worker in self.run.workers:
                cell = Cell(MISSED, _colour(self.run, worker), text=turn.missed)
                self._steps[place, worker] = cell
        for offset, moment in enumerate(turn.moments):
            last = offset == len(turn.moments) - 1
            cell = Cell(
                STEP, _colour(self.run, moment.worker), moment=moment, world=news if last else ""
            )
            self._steps[place + offset, moment.worker] = cell
            self._places.append(place + offset)

    def _spans(self, worker: str, kind: str) -> list[tuple[int, int, Span]]:
        return [
            (self._places[span.first - 1], self._places[span.last - 1], span)
            for span in self.run.spans
            if span.worker == worker and span.kind == kind
        ]

    def _lane_cell(self, lane: "_Lane", place: int, colour: int) -> list[Cell]:
        for first, last, span in lane:
            if first == place:
                return [Cell(HOLD, colour, last - first + 1, text=span.what)]
            if first < place <= last:
                return []
        return [Cell(FREE, colour)]

    def _step_cell(self, column: Column, place: int) -> list[Cell]:
        cell = self._steps.get((place, column.worker), Cell(EMPTY, column.colour))
        wait = self._wait_at(column.worker, place)
        if wait is None or cell.kind == STEP:
            return [cell]
        first, last, span = wait
        if place > first + 1:
            return []
        return [Cell(WAIT, column.colour, last - first - 1, text=f"waits for {span.what}")]

    def _wait_at(self, worker: str, place: int) -> tuple[int, int, Span] | None:
        for first, last, span in self._spans(worker, WAIT):
            end = last if (last, worker) in self._steps else last + 1
            if first < place < end:
                return first, end, span
        return None


_Lane = list[tuple[int, int, Span]]


def _lanes(spans: _Lane) -> list[_Lane]:
    """Spread spans over as few lanes as keep them apart."""
    lanes: list[_Lane] = []
    for span in sorted(spans, key=lambda each: each[0]):
        free = next((lane for lane in lanes if lane[-1][1] < span[0]), None)
        if free is not None:
            free.append(span)
        elif len(lanes) < _MOST_LANES:
            lanes.append([span])
    return lanes


def _colour(run: Run, worker: str) -> int:
    """A and A' have one; what is neither A, B nor C (the world outside) has the last."""
    return "ABC".find(worker.rstrip("'")) % 4 if len(worker.rstrip("'")) == 1 else 3
