"""The folder itself: a page for each race that was run, and what earlier runs found."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from races.mutants import Mutant
from races.pages.beside import beside
from races.pages.race import page
from races.pages.removals import necessity
from races.pages.sums import index
from races.report import Entry
from races.scenario import scenarios

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "races"


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
    (folder / "beside-frontrun.md").write_text(beside(results["scenarios"]))


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
