"""The page of one race: how it breaks, why, what cures it, and how far it holds."""

from collections.abc import Sequence

from races.explorer import timeline
from races.report import Entry
from races.scenario import NAIVE, Scenario

_WIDTH = 52


def page(entries: Sequence[Entry]) -> str:
    """One scenario: how it breaks, why, what cures it, what the database refuses."""
    scenario = entries[0].scenario
    parts = [f"# {scenario.claim}", note(scenario), "## How it breaks"]
    parts += [broken(entry) for entry in entries if entry.kind == NAIVE]
    parts += ["## Why", scenario.why, "## What cures it", scenario.cure]
    if scenario.refuses:
        parts += ["## What the database refuses", scenario.refuses]
    parts += ["## The forms that hold", _table(entries)]
    parts += [_held(entry) for entry in entries if entry.kind != NAIVE and entry.form.ours][:1]
    parts += ["## Again", _again(entries)]
    return "\n\n".join(parts) + "\n"


def note(scenario: Scenario) -> str:
    ours = [form.name for _, form in scenario.forms() if form.ours]
    if ours:
        return f"Explored for this project's own code: {', '.join(ours)}."
    whose = scenario.elsewhere or "This project has no service of this kind."
    return f"{whose} The few lines that show it are in `races/scenarios/{scenario.name}.py`."


def broken(entry: Entry) -> str:
    if not entry.verdict.violations:
        return f"**{entry.form.name}** was not broken."
    found = entry.verdict.violations[0]
    drawn = timeline.draw(found.workers, found.moments, _WIDTH)
    return (
        f"**{entry.form.name}** ({entry.form.what}): {found.message}.\n\n"
        f"Schedule `{found.schedule}`\n\n```\n{drawn}\n```"
    )


def _held(entry: Entry) -> str:
    verdict = entry.verdict
    columns = timeline.workers(verdict.example_moments, list(entry.form.question.jobs))
    drawn = timeline.draw(columns, verdict.example_moments, _WIDTH)
    return (
        f"One of its schedules under **{entry.form.name}**, `{verdict.example}`:\n\n"
        f"```\n{drawn}\n```"
    )


def _table(entries: Sequence[Entry]) -> str:
    head = (
        "| form | how | workers | schedules | crash points | verdict |\n|---|---|---|---|---|---|"
    )
    rows = [
        f"| {entry.form.name} | {entry.form.what} | {entry.verdict.workers} | "
        f"{entry.verdict.schedules} | {entry.verdict.crash_points or ''} | {_verdict(entry)} |"
        for entry in entries
        if entry.kind != NAIVE
    ]
    return "\n".join([head, *rows])


def _verdict(entry: Entry) -> str:
    verdict = entry.verdict
    if verdict.violations:
        return f"broken: {verdict.violations[0].message}"
    if verdict.bound is not None:
        how = f"holds within {verdict.bound} preemptions"
        if verdict.deaths_within is not None:
            how += f", {verdict.deaths_within} beside a death"
    elif verdict.deaths_within is not None:
        return f"proven for the living, deaths within {verdict.deaths_within} preemptions"
    else:
        how = "proven"
    return how if verdict.crash_points else f"{how}, without deaths"


def _again(entries: Sequence[Entry]) -> str:
    scenario = entries[0].scenario
    commands = [f"manage.py races {scenario.name} --draw"]
    commands += [
        f'manage.py races {scenario.name} --strategy "{entry.form.name}" '
        f'--schedule "{entry.verdict.violations[0].schedule}"'
        for entry in entries
        if entry.kind == NAIVE and entry.verdict.violations
    ]
    return "```\n" + "\n".join(commands) + "\n```"
