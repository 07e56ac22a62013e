"""The page of removals: every lock and condition, taken out one at a time."""

import re
from collections.abc import Sequence
from typing import Any

from races.mutants import MOST_DEATHS, MOST_RACES, MOST_SCHEDULES

_LOCKS = re.compile(r"FOR (?:NO KEY UPDATE|KEY SHARE|UPDATE|SHARE)|pg_(?:try_)?advisory")
_FAILED = re.compile(r"\S+ failed: ")


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
        f"{MOST_RACES}; a condition that says which row is meant (`id = …`) is left in; "
        "with a constraint goes the ON CONFLICT that leans on it. Never taken apart were "
        "statements that only a collision, a retry or a death brings up, those of an aftermath, "
        "and constraints other than those listed. Made by "
        "`manage.py races --mutants --pages --repeat 100`.\n\n" + "\n".join([head, *rows]) + "\n\n"
        "## Locks that no race needs\n\n"
        "Each of these was taken out wherever it stands above, and broke nothing there.\n\n"
        + "\n".join(_spare_locks(tried))
        + "\n"
    )


def _spare_locks(tried: Sequence[dict[str, Any]]) -> list[str]:
    """The locks that were needed in none of the races, and what each is there for."""
    reasons: dict[str, list[str]] = {}
    for each in tried:
        if _LOCKS.match(each["removed"]):
            reasons.setdefault(each["removed"], []).append("" if each["broken"] else _said(each))
    return [
        f"- `{removed.strip()}`: {'; '.join(dict.fromkeys(said))}"
        for removed, said in sorted(reasons.items())
        if all(said)
    ] or ["None."]


def _said(mutant: dict[str, Any]) -> str:
    return _unlearnt(mutant) or mutant["reason"] or "?"


def fails(message: str) -> bool:
    """True where a worker's own error ended it, so that the claim itself was not asked."""
    return bool(_FAILED.match(message))


def _then(mutant: dict[str, Any]) -> str:
    if mutant["broken"]:
        return f"broken by `{mutant['schedule']}`: {mutant['message']}"
    capped = mutant.get("capped") and not _unlearnt(mutant)
    return f"{_said(mutant)} (capped)" if capped else _said(mutant)


def _unlearnt(mutant: dict[str, Any]) -> str:
    return mutant.get("error") or mutant.get("unexplored") or ""
