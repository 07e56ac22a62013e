"""The pages in docs/races/: one per scenario, generated from what the explorer found."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from races.explorer import timeline
from races.mutants import MOST_DEATHS, MOST_RACES, MOST_SCHEDULES, Mutant
from races.report import Entry
from races.scenario import HOLDS, NAIVE, Scenario, scenarios

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "races"
_WIDTH = 52
_FAILED = re.compile(r"\S+ failed: ")


def write(entries: Sequence[Entry], tried: Sequence[Mutant] | None, folder: Path = FOLDER) -> None:
    """Write a page for each scenario that was run, and the index of all.

    ``results.json`` remembers what earlier runs found for the others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.scenario.name, []).append(entry)
    for name in {entry.scenario.name for entry in entries if entry.error}:
        del groups[name]  # what could not be explored has nothing to show
    for name, group in groups.items():
        (folder / f"{name}.md").write_text(page(group))
    results = _merged(folder / "results.json", groups, tried)
    (folder / "README.md").write_text(index(results["scenarios"]))
    (folder / "necessity.md").write_text(necessity(results["mutants"]))


def _merged(
    file: Path, groups: dict[str, list[Entry]], tried: Sequence[Mutant] | None
) -> dict[str, list[dict[str, Any]]]:
    """What is known of every scenario there is: this run's findings, and earlier ones."""
    known = json.loads(file.read_text()) if file.exists() else {"scenarios": [], "mutants": []}
    kept = scenarios().keys() - groups.keys()
    found = [each for each in known["scenarios"] if each["name"] in kept]
    found += [entry.as_dict() for group in groups.values() for entry in group]
    removed = known["mutants"]
    if tried is not None:
        again = groups.keys() | {mutant.scenario for mutant in tried}
        known_still = scenarios().keys() - again
        removed = [each for each in removed if each["scenario"] in known_still]
        removed += [mutant.as_dict() for mutant in tried]
    results = {
        "scenarios": sorted(found, key=lambda each: each["name"]),
        "mutants": sorted(removed, key=lambda each: each["scenario"]),
    }
    file.write_text(json.dumps(results, indent=1) + "\n")
    return results


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


def index(results: Sequence[dict[str, Any]]) -> str:
    """All scenarios with what was found."""
    table = [
        "| claim | naive, broken by | holds | workers | schedules | crash points |\n"
        "|---|---|---|---|---|---|"
    ]
    for name, claim in ((each.name, each.claim) for each in scenarios().values()):
        group = [each for each in results if each["name"] == name]
        table.append(_row(name, claim, group))
    parts = ["# Races", _INTRODUCTION, f"In all: {_figures(results)}.", "\n".join(table), _LIMITS]
    parts += ["## What was left out", "\n".join(_left_out(results))]
    return "\n\n".join(parts) + "\n"


def necessity(tried: Sequence[dict[str, Any]]) -> str:
    """Every lock and condition, taken out one at a time."""
    rows = [
        f"| [{each['scenario']}]({each['scenario']}.md) | {each['strategy']} | "
        f"`{each['removed']}` | {_then(each)} |"
        for each in tried
    ]
    head = "| race | form | taken out | then |\n|---|---|---|---|"
    broken = sum(each["broken"] for each in tried)
    failed = sum(each["broken"] and fails(each["message"]) for each in tried)
    nothing_learnt = [_unlearnt(each) for each in tried if _unlearnt(each)]
    invalid = sum(why.startswith("no valid SQL") for why in nothing_learnt)
    capped = sum(each.get("capped", False) for each in tried)
    spare = len(tried) - broken - len(nothing_learnt)
    return (
        "# Is every lock needed?\n\n"
        "One lock, condition or constraint at a time was taken out of the SQL of the forms that "
        f"hold. {broken - failed} of {len(tried)} removals break the claim. With {failed} more a "
        "worker fails (“A failed: …”): a second line refuses what the first one let through, or "
        "the statement is simply wrong without it. Nothing was learnt from "
        f"{invalid} that left no valid SQL and {len(nothing_learnt) - invalid} that could not be "
        f"explored. The other {spare} break nothing in what was tried, and say what they are there "
        f"for: {spare - capped} in every schedule, {capped} in the first {MOST_SCHEDULES}, and "
        f"{MOST_DEATHS} with a death (“capped”). What is spare in every race is tried in "
        f"{MOST_RACES}; a condition that says which row is meant (`id = …`) is left in. Never "
        "taken apart were statements that only a collision, a retry or a death brings up, those of "
        "an aftermath, and constraints other than those listed. Made by "
        "`manage.py races --mutants --pages`.\n\n" + "\n".join([head, *rows]) + "\n"
    )


def fails(message: str) -> bool:
    """True where a worker's own error ended it, so that the claim itself was not asked."""
    return bool(_FAILED.match(message))


def _then(mutant: dict[str, Any]) -> str:
    if mutant["broken"]:
        return f"broken by `{mutant['schedule']}`: {mutant['message']}"
    reason = mutant["reason"] or "?"
    return _unlearnt(mutant) or (f"{reason} (capped)" if mutant.get("capped") else reason)


def _unlearnt(mutant: dict[str, Any]) -> str:
    return mutant.get("error") or mutant.get("unexplored") or ""


def _figures(results: Sequence[dict[str, Any]]) -> str:
    naive = [each for each in results if each["form"] == NAIVE]
    holds = [each for each in results if each["form"] == HOLDS]
    ours = [each for each in holds if each["ours"]]
    broken = sum(bool(each["violations"]) for each in naive)
    proven = [each for each in holds if each["complete"]]
    dying = sum(bool(each["crash_points"]) for each in proven)
    alone = sum(each["workers"] == 1 for each in proven)
    ours_proven = [each for each in proven if each["ours"]]
    ours_alone = sum(each["workers"] == 1 for each in ours_proven)
    return (
        f"{len({each['name'] for each in results})} races; {len(naive)} naive forms, "
        f"{'all' if broken == len(naive) else broken} broken; {len(holds)} that hold, "
        f"{len(proven)} of them proven ({dying} with a death at every point, of these {alone} of "
        f"one worker only, and {len(proven) - dying} of the living alone); of our own {len(ours)}: "
        f"{len(ours_proven)} proven ({ours_alone} of them of one worker only), "
        f"{len(ours) - len(ours_proven)} bounded in part. "
        f"{sum(each['schedules'] for each in results)} schedules, "
        f"{sum(each['crash_points'] for each in results)} crash points"
    )


def _left_out(results: Sequence[dict[str, Any]]) -> list[str]:
    """Where nobody dies, where one works alone, and where the tree of our own was too large."""
    ours = [each for each in results if each["form"] == HOLDS and each["ours"]]
    bounded = [
        _named(each, f"{each['bounded']} preemptions")
        for each in ours
        if each["bounded"] is not None
    ]
    deaths = [
        _named(each, f"{each['deaths_within']} preemptions")
        for each in ours
        if each.get("deaths_within") is not None
    ]
    living = [each for each in ours if not each["crash_points"]]
    others = [each for each in results if each["form"] == HOLDS and not each["ours"]]
    undying = [_named(each) for each in others if not each["crash_points"]]
    alone = [_named(each) for each in results if each["form"] == HOLDS and each["workers"] == 1]
    beside = [
        _named(each, f"beside it: {_killed_beside(each)}")
        for each in living
        if _killed_beside(each)
    ]
    nobody = [_named(each) for each in living if not _killed_beside(each)]
    return [
        f"- {len(ours) - len(living)} of the {len(ours)} forms that run this project's own "
        "services are explored with a death at every point.",
        "- Without deaths in the form itself, with deaths in a form beside it that asks fewer "
        f"workers or within a bound: {'; '.join(beside) or 'none'}.",
        f"- Explored without deaths, of our own: {'; '.join(nobody) or 'none'}.",
        "- Explored without deaths, of the forms that show a technique on tables of their own: "
        f"{'; '.join(undying) or 'none'}.",
        "- Explored with one worker only, which dies and comes again and meets nobody else: "
        f"{'; '.join(alone) or 'none'}.",
        "- Every schedule of the living, but a death at each point beside so few preemptions only: "
        f"{'; '.join(deaths) or 'none'}.",
        f"- Bounded, so not proven: {'; '.join(bounded) or 'none'}.",
    ]


def _killed_beside(result: dict[str, Any]) -> str:
    """The form of the same race that asks the same of those who die; empty where there is none."""
    wanted = f"{result['strategy']}, killed"
    forms = [form for _, form in scenarios()[result["name"]].forms()]
    return next((form.name for form in forms if form.name == wanted and form.question.kills), "")


def _named(result: dict[str, Any], note: str = "") -> str:
    link = f"[{scenarios()[result['name']].claim}]({result['name']}.md), {result['strategy']}"
    return f"{link} ({note})" if note else link


_INTRODUCTION = (
    "Each page is one race: the naive form with a schedule that breaks it (of those with the "
    "fewest preemptions the one with the fewest steps), and the forms that hold, each with how far "
    "that was shown. `manage.py races` runs them all on a "
    "PostgreSQL of its own; `manage.py races --pages` writes these pages.\n\n"
    "A schedule reads `A*1 B*4 A*3`: A makes one step, B four, A three. A step is a statement, a "
    "commit, a rollback, or a call outside. `kill:A` ends A's process there (its job comes again "
    "as A'); `…` is a statement that goes on after it has waited."
)
_LIMITS = (
    "“Proven” means: every interleaving of the statements of so many workers was run, up to swaps "
    "of steps that nobody can tell apart, against PostgreSQL's real locks, and the check held "
    "after each; where crash points are counted, with one process killed at each of them, under "
    "every interleaving, too. It does not mean more: what happens inside one statement is not "
    "explored, nor more workers than stand there, nor other data; nobody is killed while waiting "
    "for a lock, only before a step; whoever waits for a lock goes on within the step that frees "
    "it, and of several only their order is a choice, whereas PostgreSQL may let another one "
    "overtake them; and a circle of waits is cut as a deadlock even where one of them only stands "
    "behind another in a lock's queue, which PostgreSQL would resolve by rearranging the queue. "
    "“Bounded” means: all schedules with so few preemptions, and no proof."
)


def _note(scenario: Scenario) -> str:
    ours = [form.name for _, form in scenario.forms() if form.ours]
    if ours:
        return f"Explored for this project's own code: {', '.join(ours)}."
    whose = scenario.elsewhere or "This project has no service of this kind."
    return f"{whose} The few lines that show it are in `races/scenarios/{scenario.name}.py`."


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


def _row(name: str, claim: str, group: Sequence[dict[str, Any]]) -> str:
    naive = [each for each in group if each["form"] == NAIVE]
    holds = [each for each in group if each["form"] == HOLDS]
    return (
        f"| [{claim}]({name}.md) | {'; '.join('`' + each['schedule'] + '`' for each in naive)} | "
        f"{', '.join(each['strategy'] for each in holds)} | "
        f"{', '.join(map(str, sorted({each['workers'] for each in holds})))} | "
        f"{sum(each['schedules'] for each in holds)} | "
        f"{sum(each['crash_points'] for each in holds)} |"
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
