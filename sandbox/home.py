"""Where the sandbox keeps its store and its secrets."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def find() -> Path:
    """This sandbox's folder: SANDBOX_HOME, else `sandbox` in ONCEPROOF_HOME. Made if absent."""
    parent = Path(os.environ.get("ONCEPROOF_HOME") or PROJECT / ".onceproof").expanduser()
    home = Path(os.environ.get("SANDBOX_HOME") or parent / "sandbox").absolute()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home
