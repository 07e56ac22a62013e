"""The index of all races: what was found, what a proof says, and what was left out."""

from collections.abc import Sequence
from typing import Any

from races.scenario import HOLDS, NAIVE, scenarios

_INTRODUCTION = (
    "Each page is one race: the naive form with a schedule that breaks it (of those with the "
    "fewest preemptions the one with the fewest steps), and the forms that hold, each with how far "
    "that was shown. `manage.py races` runs them all on a "
    "PostgreSQL of its own; `manage.py races --mutants --pages --repeat 100` writes these.\n\n"
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
    "All of it runs without clocks (`races/steady.py`, [decision 32]"
    "(../decisions/0032-a-race-runs-without-clocks.md)): a run record names one message, a "
    "dispatch's time slice is an hour, no mark holds a dispatch back, and deliveries are not "
    "counted. “Bounded” means: all schedules with so few preemptions, and no proof."
)


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
        f"- {_ours(ours)}",
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


def _ours(ours: Sequence[dict[str, Any]]) -> str:
    """How far each of our own is shown; points that a bound leaves out had no death."""
    proven = [each for each in ours if each["complete"]]
    bounded = [each for each in ours if not each["complete"]]
    several = sum(each["workers"] > 1 and bool(each["crash_points"]) for each in proven)
    alone = sum(each["workers"] == 1 and bool(each["crash_points"]) for each in proven)
    unmoved = sum(_beside_a_death(each) == 0 for each in bounded)
    dying = sum(bool(each["crash_points"]) for each in bounded)
    return (
        f"Of the {len(ours)} forms that run this project's own services {several} are explored "
        "completely with two or more workers and a death at every point under every interleaving, "
        f"{alone} with one worker alone and a death at every point, "
        f"{len(proven) - several - alone} completely without deaths. The other {len(bounded)} are "
        f"bounded: {unmoved} with a death at the points that schedules without a preemption reach, "
        f"{dying - unmoved} at those within some more preemptions, {len(bounded) - dying} without "
        "deaths."
    )


def _beside_a_death(result: dict[str, Any]) -> int | None:
    """How many preemptions are tried beside a death; None where all are, or where nobody dies."""
    if not result["crash_points"]:
        return None
    within: int | None = result["deaths_within"]
    return result["bounded"] if within is None else within


def _killed_beside(result: dict[str, Any]) -> str:
    """The form of the same race that asks the same of those who die; empty where there is none."""
    strategy = result["strategy"]
    wanted = {f"{strategy}, killed", strategy.removesuffix(", three")}
    forms = [form for _, form in scenarios()[result["name"]].forms()]
    return next((form.name for form in forms if form.name in wanted and form.question.kills), "")


def _named(result: dict[str, Any], note: str = "") -> str:
    link = f"[{scenarios()[result['name']].claim}]({result['name']}.md), {result['strategy']}"
    return f"{link} ({note})" if note else link


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
