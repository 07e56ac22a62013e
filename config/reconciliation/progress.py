"""How far a run is, and what each of its checks has seen."""

from dataclasses import dataclass

from outbox.reconciliation.models import Reconciliation
from outbox.reconciliation.selectors import Tally


@dataclass(frozen=True)
class Progress:
    """A run under way."""

    run: Reconciliation
    done: int
    all: int
    rows: int

    @property
    def percent(self) -> int:
        """Of its checks."""
        return 100 * self.done // self.all if self.all else 0


@dataclass(frozen=True)
class Line:
    """One check of a run."""

    name: str
    state: str
    rows: int
    tally: Tally


def progress(run: Reconciliation | None) -> Progress | None:
    """How far it is; None where there is none."""
    if run is None:
        return None
    return Progress(run, run.done, len(run.names), sum(run.checked.values()))


def lines(run: Reconciliation, tallies: dict[str, Tally]) -> list[Line]:
    """Each of its checks, in the order in which it goes through them."""
    return [
        Line(name, _state(run, number), run.checked.get(name, 0), tallies.get(name, Tally()))
        for number, name in enumerate(run.names)
    ]


def _state(run: Reconciliation, number: int) -> str:
    if number < run.done:
        return "done"
    return "running" if run.running and number == run.done else "waiting"
