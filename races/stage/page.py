"""What the page of one run shows, put together from the recording and the address."""

from dataclasses import dataclass

from races import scenario
from races.recording import source
from races.recording.data import Form, Moment, Place, Recording, Run
from races.scenario import HOLDS, NAIVE, Scenario
from races.stage.address import Address, slug
from races.stage.board import Board, lay_out


@dataclass(frozen=True)
class Choice:
    """One strategy to pick."""

    name: str
    what: str
    naive: bool
    ours: bool
    current: bool
    holds: bool  # under the schedule that is shown
    address: Address
    beside: Address | None


@dataclass(frozen=True)
class Mark:
    """One recorded schedule of the strip."""

    number: int
    run: Run
    current: bool
    address: Address


@dataclass(frozen=True)
class Lines:
    """A place in our source, ready to be shown."""

    place: Place
    line: int  # where it is now; 0: it has changed since
    lines: tuple[tuple[int, str, bool], ...]


@dataclass(frozen=True)
class Detail:
    """What happened at the present step, on one side."""

    side: str
    moment: Moment | None
    missed: str
    lines: Lines | None


@dataclass(frozen=True)
class Page:
    """Everything that the template asks for."""

    race: Scenario
    form: Form
    run: Run
    other: tuple[Form, Run] | None
    address: Address
    board: Board
    choices: list[Choice]
    marks: list[Mark]
    details: list[Detail]
    flip: Address | None
    next_failing: Address | None

    @property
    def step(self) -> int:
        """The present step; 0: nothing has happened yet."""
        return self.board.step

    @property
    def cast(self) -> str:
        """Who plays: ``A and B``."""
        names = [name for name in self.run.workers if not name.endswith("'")]
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))

    @property
    def what(self) -> str:
        """The shown form in a few words."""
        forms = {form.name: form for _, form in self.race.forms()}
        return forms[self.form.name].what if self.form.name in forms else ""

    @property
    def first(self) -> Address:
        """Before the first step."""
        return self.address.but(step=0)

    @property
    def previous(self) -> Address | None:
        """One step back."""
        return self.address.but(step=self.step - 1) if self.step > 0 else None

    @property
    def following(self) -> Address | None:
        """One step on."""
        return self.address.but(step=self.step + 1) if self.step < self.board.turns else None

    @property
    def last(self) -> Address:
        """After the last step."""
        return self.address.but(step=self.board.turns)

    @property
    def beside(self) -> Address:
        """With the other strategy in a second column, or without it again."""
        if self.other:
            return self.address.but(beside="")
        return self.address.but(beside=self.flip.strategy if self.flip else "")

    @property
    def large(self) -> Address:
        """For a projector, or as usual again."""
        return self.address.but(view="" if self.address.view else "large")

    @property
    def runs(self) -> list[tuple[str, Run, Form]]:
        """The runs shown, each with its strategy."""
        shown = [(self.form.name, self.run, self.form)]
        return [*shown, (self.other[0].name, self.other[1], self.other[0])] if self.other else shown


def build(
    recording: Recording,
    form: Form,
    run: Run,
    other: tuple[Form, Run] | None,
    address: Address,
) -> Page:
    """Lay out everything."""
    race = scenario.get(recording.scenario)
    shown = [(form.name, run)] + ([(other[0].name, other[1])] if other else [])
    turns = max(len(each.turns) for _, each in shown)
    step = _step(address, run, other[1] if other else None, turns)
    address = address.but(schedule=run.wanted, step=step)
    return Page(
        race=race,
        form=form,
        run=run,
        other=other,
        address=address,
        board=lay_out(shown, step),
        choices=_choices(race, recording, form, run, address),
        marks=_marks(form, run, address),
        details=[detail for name, each in shown for detail in _details(name, each, step)],
        flip=_flip(recording, form, run, address),
        next_failing=_next_failing(form, run, address),
    )


def _step(address: Address, run: Run, other: Run | None, turns: int) -> int:
    if address.step is not None:
        return min(address.step, turns)
    return run.fault or (other.fault if other else 0) or turns


def _choices(
    race: Scenario, recording: Recording, form: Form, run: Run, address: Address
) -> list[Choice]:
    found = []
    for kind, known in race.forms():
        recorded = recording.form(known.name)
        if recorded is None:
            continue
        same = recorded.find(run.wanted)
        there = address.but(strategy=slug(known.name), beside="")
        there = there if same else there.but(schedule="", step=None)
        found.append(
            Choice(
                name=known.name,
                what=known.what,
                naive=kind == NAIVE,
                ours=known.ours,
                current=known.name == form.name,
                holds=same.holds if same else kind == HOLDS,
                address=there,
                beside=address.but(beside=slug(known.name)) if same else None,
            )
        )
    return found


def _marks(form: Form, run: Run, address: Address) -> list[Mark]:
    return [
        Mark(number, each, each.wanted == run.wanted, address.but(schedule=each.wanted, step=None))
        for number, each in enumerate(form.runs, start=1)
    ]


def _details(side: str, run: Run, step: int) -> list[Detail]:
    if not 0 < step <= len(run.turns):
        return []
    turn = run.turns[step - 1]
    if turn.missed:
        return [Detail(side, None, turn.missed, None)]
    return [Detail(side, moment, "", _lines(moment.place)) for moment in turn.moments]


def _lines(place: Place | None) -> Lines | None:
    if place is None:
        return None
    line = source.now(place)
    first = line - (place.line - place.first) if line else place.first
    numbered = tuple(
        (first + number, text, number == place.line - place.first)
        for number, text in enumerate(place.lines)
    )
    return Lines(place, line, numbered)


def _flip(recording: Recording, form: Form, run: Run, address: Address) -> Address | None:
    """To the first form of the other kind that is recorded under this schedule."""
    for other in recording.forms:
        same = other.find(run.wanted) if other.kind != form.kind else None
        if same and (other.kind == HOLDS or not same.holds):
            return address.but(strategy=slug(other.name), beside="")
    return None


def _next_failing(form: Form, run: Run, address: Address) -> Address | None:
    """The next recorded schedule that breaks this form, round to the first again."""
    place = form.runs.index(run)
    for each in (*form.runs[place + 1 :], *form.runs[:place]):
        if not each.holds:
            return address.but(schedule=each.wanted, step=None)
    return None
