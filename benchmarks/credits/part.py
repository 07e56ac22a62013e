"""This benchmark as a part of the others: a process of its own, with servers of its own."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.progress import say

if TYPE_CHECKING:
    from benchmarks.run import Bench


def credit_path(bench: "Bench") -> dict[str, Any]:
    """The credit part of sending texts. The whole project is in its database, not `work` alone."""
    size = ("--rounds", str(bench.size.rounds), "--scale", str(bench.size.scale))
    command = [sys.executable, "-m", "benchmarks.credits", *size]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        for line in process.stdout or []:
            if not line.startswith("{"):
                say(line.rstrip())
            last = line
    if process.returncode:
        raise RuntimeError(f"benchmarks.credits ended with {process.returncode}")
    found: dict[str, Any] = json.loads(last)
    return found
