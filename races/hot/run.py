"""A whole hot run: one strategy after another, on the same workers."""

from collections.abc import Callable, Mapping
from typing import Any

from races.hot import lane, workers
from races.hot.lane import Lane
from races.hot.strategies import STRATEGIES
from races.models import LabRun

Tell = Callable[[dict[str, Any]], None]


def run(lab_run: LabRun, tell: Tell) -> None:
    """Do what was asked. ``tell`` gets the figures at every look, and may raise to end the run."""
    asked = lab_run.asked
    lanes = [_lane(name, asked) for name in asked["strategies"]]
    queue = f"races-hot-{lab_run.pk}"

    def tick() -> None:
        tell(document(asked, lanes))

    try:
        with workers.working(queue, asked["workers"], tick):
            for each in lanes:
                lane.run(each, lab_run, queue, twice=asked["twice"], tick=tick)
        tick()
    finally:
        lab_run.accounts.all().delete()


def document(asked: Mapping[str, Any], lanes: list[Lane]) -> dict[str, Any]:
    """What the page shows, live and afterwards."""
    return {"asked": dict(asked), "lanes": [each.as_dict() for each in lanes]}


def _lane(name: str, asked: Mapping[str, Any]) -> Lane:
    strategy = STRATEGIES[name]
    return Lane(name, strategy.title, strategy.naive, asked["credits"], asked["jobs"])
