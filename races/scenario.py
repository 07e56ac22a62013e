"""A scenario: a claim, the naive form that breaks it, the forms that keep it, and why."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from races.explorer import Outcome, Question

NAIVE, HOLDS = "naive", "holds"


@dataclass(frozen=True)
class Form:
    """One way to write it. ``ours``: it runs this project's own services, not a copy of them."""

    name: str
    question: Question
    what: str = ""
    ours: bool = False
    spare: dict[str, str] = field(default_factory=dict)
    """What may be taken out of its SQL without breaking the claim, and what it is there for."""
    constraints: Sequence[tuple[str, str]] = ()
    """Table and name of the constraints that it leans on."""

    def whole(self) -> "Form":
        """The same without its bounds, which are there for the time that a test run may take."""
        return replace(self, question=self.question.but(bound=None, deaths_within=None))


@dataclass(frozen=True)
class Scenario:
    """One race. Its name is the name of its file."""

    claim: str
    naive: Sequence[Form]
    holds: Sequence[Form]
    why: str
    cure: str
    refuses: str = ""
    elsewhere: str = ""  # in which race this project's own code stands, where not in this one
    name: str = ""

    def forms(self) -> list[tuple[str, Form]]:
        """All forms with their kind, the naive ones first."""
        return [(NAIVE, form) for form in self.naive] + [(HOLDS, form) for form in self.holds]


class UnknownScenario(LookupError):
    """No scenario has this name."""


@cache
def scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, in the order of their names."""
    from races import scenarios as package

    found = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        found[module.name] = replace(loaded.SCENARIO, name=module.name)
    return found


def get(name: str) -> Scenario:
    """The scenario of this name; raises UnknownScenario, which names those there are."""
    known = scenarios()
    wanted = name.replace("-", "_")
    if wanted not in known:
        raise UnknownScenario(f"There is no scenario “{name}”. There are: {', '.join(known)}.")
    return known[wanted]


def alone(check: Callable[[], None]) -> Callable[[Sequence[Outcome]], None]:
    """A check that looks at the database alone."""

    def checked(outcomes: Sequence[Outcome]) -> None:
        check()

    return checked
