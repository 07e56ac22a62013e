"""results.json: one section for each part, each with the conditions under which it was taken."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import machine

if TYPE_CHECKING:
    from benchmarks.run import Bench


def write(
    file: Path, name: str, part: "Callable[[Bench], dict[str, Any]]", bench: "Bench", size: str
) -> None:
    """Run one part and put its figures in the place of the ones before; other parts stay."""
    load, began = os.getloadavg()[0], datetime.now(UTC)
    found = part(bench)
    known = read(file)
    if "missing" in found:
        known["missing"] = found.pop("missing")  # peers that do not run here, and why
    known[name] = found
    known["machine"] = {**known.get("machine", {}), **machine.describe()}
    known["machine"].setdefault("taken", {})[name] = {
        "at": began.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - began).total_seconds(), 1),
        "size": size,
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=1, sort_keys=False) + "\n", encoding="utf-8")


def read(file: Path) -> dict[str, Any]:
    """What is known so far; empty where there is nothing yet."""
    if not file.exists():
        return {}
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return known
