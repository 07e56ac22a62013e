"""An own schedule, or an exploration, in a process of its own with servers of its own.

That process is given no address of the installation's servers, so that it cannot reach them.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.embedded.child import Child, python
from races.inputs import SECONDS
from races.models import LabRun

_OURS = (
    *("DATABASE_URL", "BROKER_URL", "DIRECT_DATABASE_URL", "REDIS_URL", "RACES_REDIS_URL"),
    *("STRIPE_API_KEY", "TWILIO_ACCOUNT_SID", "CARRIER_URL", "EMAIL_HOST", "SANDBOX_URL"),
)
"""What the environment may say of servers and accounts; none of it is for a trial."""
_MARGIN = 25
"""Seconds on top of the trial's own, for its servers to start and to stop."""

Tell = Callable[[dict[str, Any]], None]


class TrialFailed(RuntimeError):
    """The trial's process ended without an answer; the message is what it said last."""


def run(lab_run: LabRun, tell: Tell) -> None:
    """Do what was asked; ``tell`` gets the answer, and may raise to end it."""
    with tempfile.TemporaryDirectory(prefix="onceproof-trial-") as folder:
        child = _child(lab_run.asked, Path(folder))
        child.start()
        try:
            _wait(child, tell)
            tell(_answer(Path(folder), child))
        finally:
            child.stop(patience=8)  # it removes its servers' folder


def _child(asked: dict[str, Any], folder: Path) -> Child:
    command = python(
        "manage.py", "try_race", asked["scenario"], "--strategy", asked["strategy"],
        "--schedule", asked["schedule"], "--seconds", str(SECONDS),
        "--into", str(folder / "answer"),
    )  # fmt: skip
    return Child(
        name="trial",
        # `env` takes them away: Child only adds to what is set
        command=["env", *(part for name in _OURS for part in ("-u", name)), *command],
        log=folder / "log",
        environment={"ONCEPROOF_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings"},
    )


def _wait(child: Child, tell: Tell) -> None:
    latest = time.monotonic() + SECONDS + _MARGIN
    while child.is_running():
        tell({})
        if time.monotonic() > latest:
            raise TrialFailed(f"It did not end within {SECONDS + _MARGIN} seconds.")
        time.sleep(0.2)


def _answer(folder: Path, child: Child) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads((folder / "answer").read_text())
    except (OSError, ValueError):
        said = child.log.read_text(errors="replace").strip().splitlines()
        raise TrialFailed(said[-1] if said else "It said nothing.") from None
    return answer


def possible() -> bool:
    """Whether this machine has the programs of a PostgreSQL to throw away."""
    from config.embedded import binaries

    try:
        binaries.postgres_programs()
        binaries.valkey_program()
    except binaries.ProgramNotFound:
        return False
    return os.name == "posix"
