"""results.json: one section for each part, each with the conditions under which it was taken.

All of a file is of one machine: the first part taken on another drops the others.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.progress import say

if TYPE_CHECKING:
    from benchmarks.run import Bench


def write(
    file: Path, name: str, part: "Callable[[Bench], dict[str, Any]]", bench: "Bench", size: str
) -> None:
    """Run one part and put its figures in the place of the ones before; other parts stay."""
    load, busy, began = os.getloadavg()[0], machine.busy_now(), datetime.now(UTC)
    found = part(bench)
    conditions = {
        "at": began.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - began).total_seconds(), 1),
        "size": size,
        "busy_before": round(busy, 3),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
    }
    known = put(read(file), name, found, conditions, machine.describe())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=1, sort_keys=False) + "\n", encoding="utf-8")


def put(
    known: dict[str, Any],
    name: str,
    found: dict[str, Any],
    conditions: dict[str, Any],
    here: dict[str, Any],
) -> dict[str, Any]:
    """What is known once this part was taken here: everything of another machine is forgotten."""
    there = {**known.get("machine", {})}
    taken = there.pop("taken", {})
    if there != here:
        if taken:
            say(f"dropped, since taken on another machine: {', '.join(taken)}")
        known, taken = {}, {}
    if name in taken and taken[name]["size"] != conditions["size"]:
        say(f"{name}: replaces the figures of {taken[name]['at']}, size {taken[name]['size']}")
    known = {**known, name: found, "machine": {**here, "taken": {**taken, name: conditions}}}
    if "missing" in found:  # peers that did not run, and why
        known["missing"] = found.pop("missing")
    return known


def read(file: Path) -> dict[str, Any]:
    """What is known so far; empty where there is nothing yet."""
    if not file.exists():
        return {}
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return known
