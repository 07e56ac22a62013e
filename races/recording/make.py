"""Records a scenario: each form under its own schedules and under those that break the others."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from races.explorer import Explorer, Question, schedule, timeline
from races.explorer.explorer import Explored, Scenario
from races.explorer.verdict import asked, broken
from races.pages import FOLDER
from races.recording import events, fault, reason
from races.recording.choose import Trials, try_all, try_some
from races.recording.data import Form, Recording, Run
from races.recording.recorder import Recorder
from races.recording.world import World
from races.scenario import NAIVE
from races.scenario import Form as Way
from races.scenario import Scenario as Race

_MOST_OF_THOSE_THAT_HOLD = 6
Tell = Callable[[str], None]


def silent(line: str) -> None:
    """Tell nobody."""


def record(explorer: Explorer, race: Race, tell: Tell = silent) -> Recording:
    """Run and record all forms of one scenario."""
    trials = {form.name: _tried(explorer, kind, form) for kind, form in race.forms()}
    shared = list(dict.fromkeys(each for form in race.naive for each in trials[form.name].shared()))
    forms = []
    for kind, form in race.forms():
        recorded = _recorded(explorer, kind, form, trials[form.name], shared)
        proven, deaths = _proven(race.name, form.name)
        forms.append(replace(recorded, proven=proven, deaths=deaths))
        tell(f"{race.name}: {form.name}, {len(recorded.runs)} runs")
    return Recording(race.name, tuple(forms))


def _proven(race: str, form: str) -> tuple[int, int]:
    """Schedules and deaths of the last exploration that proved this form; 0 without one."""
    file = FOLDER / "results.json"
    known = json.loads(file.read_text())["scenarios"] if file.exists() else []
    for each in known:
        if (each["name"], each["strategy"]) == (race, form) and each["complete"]:
            return each["schedules"], each["crash_points"]
    return 0, 0


def record_runs(
    explorer: Explorer, question: Question, wanted: Iterable[str], trials: Trials | None = None
) -> tuple[Run, ...]:
    """Run and record these schedules of one question, each as far as it goes."""
    with asked(explorer, question) as (_, scenario):
        return tuple(_run(scenario, question, each, trials) for each in wanted)


def _tried(explorer: Explorer, kind: str, form: Way) -> Trials:
    question = form.question
    with asked(explorer, question) as (_, scenario):
        if kind == NAIVE:
            return try_all(scenario, question)
        return try_some(scenario, question, _MOST_OF_THOSE_THAT_HOLD)


def _recorded(explorer: Explorer, kind: str, form: Way, trials: Trials, shared: list[str]) -> Form:
    wanted = list(dict.fromkeys([*shared, *trials.shown()]))
    runs = record_runs(explorer, form.question, wanted, trials)
    return Form(
        form.name,
        kind,
        runs,
        all=len(trials.tried) if trials.complete else 0,
        broken=len(trials.breaking) if trials.complete else 0,
    )


def _run(scenario: Scenario, question: Question, wanted: str, trials: Trials | None) -> Run:
    recorder = Recorder(schedule.parse(wanted), World(scenario.explorer.server.connection))
    explored = scenario.drive(recorder)
    message = broken(scenario, explored, question)
    found = _fault(recorder, explored, question) if message else None
    lost = trials.lost_at(explored.schedule) if trials and message else 0
    return Run(
        wanted=wanted,
        schedule=explored.schedule,
        workers=tuple(timeline.workers(explored.run.moments, list(question.jobs))),
        turns=tuple(recorder.turns),
        spans=tuple(recorder.locks.end(len(recorder.seen))),
        message=message,
        sentence=found.sentence if found else reason.find(recorder.seen),
        fault=found.turn if found else 0,
        lost=lost,
    )


def _fault(recorder: Recorder, explored: Explored, question: Question) -> events.Fault:
    outside = tuple(question.environment)
    return fault.find(events.Broken(recorder.seen, explored.stuck, outside))
