"""The homes that `manage.py chaos` makes for itself, and how a process knows that it is in one."""

import os
from pathlib import Path

MARK = "made-by-chaos"


def mark(folder: Path) -> None:
    """Say that this home is ours: whatever is in it may be harmed, and is removed in the end."""
    (folder / MARK).touch()


def is_here() -> bool:
    """Whether this process works in such a home. Nothing of ours is planted anywhere else."""
    folder = os.environ.get("ONCEPROOF_HOME", "")
    return bool(folder) and (Path(folder) / MARK).exists()
