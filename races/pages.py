"""The pages in docs/races/: one per scenario, generated from what the explorer found."""

from collections.abc import Sequence
from pathlib import Path

from races.explorer import timeline
from races.mutants import Mutant
from races.report import Entry, figures
from races.scenario import NAIVE, Scenario

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "races"
_WIDTH = 52


def write(entries: Sequence[Entry], tried: Sequence[Mutant] | None, folder: Path = FOLDER) -> None:
    """Write a page per scenario and their index; the table of mutants where there are any."""
    folder.mkdir(parents=True, exist_ok=True)
    by_scenario: dict[str, list[Entry]] = {}
    for entry in entries:
        by_scenario.setdefault(entry.scenario.name, []).append(entry)
    for name, group in by_scenario.items():
        (folder / f"{name}.md").write_text(page(group))
    (folder / "README.md").write_text(index(by_scenario, list(entries)))
    if tried is not None:
        (folder / "necessity.md").write_text(necessity(tried))


def page(entries: Sequence[Entry]) -> str:
    """One scenario: how it breaks, why, what cures it, what the database refuses."""
    scenario = entries[0].scenario
    parts = [f"# {scenario.claim}", _note(scenario), "## How it breaks"]
    parts += [_broken(entry) for entry in entries if entry.kind == NAIVE]
    parts += ["## Why", scenario.why, "## What cures it", scenario.cure]
    if scenario.refuses:
        parts += ["## What the database refuses", scenario.refuses]
    parts += ["## The forms that hold", _table(entries)]
    parts += [_held(entry) for entry in entries if entry.kind != NAIVE and entry.form.ours][:1]
    parts += ["## Again", _again(entries)]
    return "\n\n".join(parts) + "\n"


def index(by_scenario: dict[str, list[Entry]], entries: list[Entry]) -> str:
    """All scenarios with what was found."""
    lines = [
        "# Races",
        _INTRODUCTION,
        f"The run that made these pages: {figures(entries)}.",
        "| claim | naive, broken by | holds | schedules | crash points |\n|---|---|---|---|---|",
    ]
    rows = [_row(name, group) for name, group in by_scenario.items()]
    lines[-1] += "\n" + "\n".join(rows)
    return "\n\n".join([*lines, _LIMITS]) + "\n"


def necessity(tried: Sequence[Mutant]) -> str:
    """Every lock and condition, taken out one at a time."""
    rows = [
        f"| [{each.scenario}]({each.scenario}.md) | {each.strategy} | `{each.removed}` | "
        f"{f'broken: {each.message} (`{each.schedule}`)' if each.broken else each.reason or '?'} |"
        for each in tried
    ]
    head = "| race | form | taken out | then |\n|---|---|---|---|"
    broken = sum(each.broken for each in tried)
    return (
        "# Is every lock needed?\n\n"
        "One lock, condition or constraint at a time was taken out of the SQL of the forms that "
        f"hold. {broken} of {len(tried)} removals break the claim; what breaks nothing says what "
        "it is there for. Made by `manage.py races --mutants --pages`.\n\n"
        + "\n".join([head, *rows])
        + "\n"
    )


_INTRODUCTION = (
    "Each page is one race: the naive form with the shortest schedule that breaks it, and the "
    "forms that hold in every schedule. `manage.py races` runs them all on a PostgreSQL of its "
    "own; `manage.py races --pages` writes these pages.\n\n"
    "A schedule reads `A*1 B*4 A*3`: A makes one step, B four, A three. A step is a statement, a "
    "commit, a rollback, or a call outside. `kill:A` ends A's process there (its job comes again "
    "as A'); `…` is a statement that goes on after it has waited."
)
_LIMITS = (
    "“Proven” means: every interleaving of statements was run, up to swaps of steps that nobody "
    "can tell apart, against PostgreSQL's real locks, and the check held after each. It does not "
    "mean more: what happens inside one statement is not explored, nor more workers than stand "
    "there, nor other data. “Bounded” means: all schedules with so few preemptions, and no proof."
)


def _note(scenario: Scenario) -> str:
    ours = [form.name for _, form in scenario.forms() if form.ours]
    if ours:
        return f"Explored for this project's own code: {', '.join(ours)}."
    return (
        "This project has no service of this kind. The few lines that show it are in "
        f"`races/scenarios/{scenario.name}.py`, on tables of their own."
    )


def _broken(entry: Entry) -> str:
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
    head = "| form | how | schedules | crash points | verdict |\n|---|---|---|---|---|"
    rows = [
        f"| {entry.form.name} | {entry.form.what} | {entry.verdict.schedules} | "
        f"{entry.verdict.crash_points or ''} | {_verdict(entry)} |"
        for entry in entries
        if entry.kind != NAIVE
    ]
    return "\n".join([head, *rows])


def _verdict(entry: Entry) -> str:
    verdict = entry.verdict
    if verdict.violations:
        return f"broken: {verdict.violations[0].message}"
    return "proven" if verdict.complete else f"holds within {verdict.bound} preemptions"


def _row(name: str, group: Sequence[Entry]) -> str:
    naive = [each for each in group if each.kind == NAIVE]
    holds = [each for each in group if each.kind != NAIVE]
    broken = "; ".join(
        f"`{each.verdict.violations[0].schedule}`" for each in naive if each.verdict.violations
    )
    return (
        f"| [{group[0].scenario.claim}]({name}.md) | {broken} | "
        f"{', '.join(each.form.name for each in holds)} | "
        f"{sum(each.verdict.schedules for each in holds)} | "
        f"{sum(each.verdict.crash_points for each in holds)} |"
    )


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
