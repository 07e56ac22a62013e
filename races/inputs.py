"""What may be asked of the lab. Everything is bounded: a run in a talk must come to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from races import scenario
from races.explorer import ScheduleDoesNotFit
from races.hot.strategies import STRATEGIES
from races.stage import lookup
from races.stage.address import slug

MOST_WORKERS, MOST_JOBS, MOST_CREDITS = 50, 2_000, 100_000
FEWEST_WORKERS = 2
SECONDS = 60
"""How long an own schedule, or an exploration, may take."""


class InvalidInput(ValueError):
    """Something asked for is not possible; ``errors`` says what, by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {fault}" for name, fault in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class Numbers:
    """The limits of one number."""

    label: str
    least: int
    most: int


NUMBERS = {
    "workers": Numbers("workers", FEWEST_WORKERS, MOST_WORKERS),
    "jobs": Numbers("jobs", 10, MOST_JOBS),
    "credits": Numbers("credits", 1, MOST_CREDITS),
}


def hot(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A hot run's terms; raises InvalidInput with every fault at once."""
    errors: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, limits in NUMBERS.items():
        number = _number(asked.get(name))
        if number is None or not limits.least <= number <= limits.most:
            errors[name] = _out_of(limits, asked.get(name))
        else:
            found[name] = number
    names = [name for name in STRATEGIES if name in asked.get("strategies", ())]
    unknown = set(asked.get("strategies", ())) - STRATEGIES.keys()
    if unknown or not names:
        errors["strategies"] = "Choose at least one of the strategies there are."
    if errors:
        raise InvalidInput(errors)
    return {**found, "strategies": names, "twice": bool(asked.get("twice"))}


def trial(asked: Mapping[str, Any]) -> dict[str, Any]:
    """An own schedule's terms, or an exploration's (no schedule); raises InvalidInput."""
    try:
        race = scenario.get(str(asked.get("scenario", ""))[:100])
    except scenario.UnknownScenario:
        raise InvalidInput({"scenario": "There is no such race."}) from None
    forms = {slug(form.name): form.name for _, form in race.forms()}
    strategy = str(asked.get("strategy", ""))
    if strategy not in forms:
        raise InvalidInput({"strategy": f"There are: {', '.join(forms)}."})
    try:
        schedule = lookup.normal(str(asked.get("schedule", "")).strip())
    except ScheduleDoesNotFit as error:
        raise InvalidInput({"schedule": str(error)}) from None
    return {"scenario": race.name, "strategy": forms[strategy], "schedule": schedule}


def _number(text: Any) -> int | None:
    written = str(text or "").strip()
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else None


def _out_of(limits: Numbers, asked: Any) -> str:
    said = f"{str(asked)[:20]!r} is not possible here: " if asked else ""
    return f"{said}from {limits.least} to {limits.most:,} {limits.label}, in whole numbers."
