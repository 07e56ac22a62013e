"""Keeps a lab run within its bounds: it says that it lives, and hears when it is to end."""

import os
import time
from typing import Any

from django.db.models.functions import Now

from races.models import LabRun

LONGEST = 240.0
"""Seconds of a whole run, whatever it does."""


class Ended(Exception):
    """The run is to end before its time; the message says why."""


class Guard:
    """Called at every look of a run; raises Ended."""

    def __init__(self, run: LabRun, parent: int | None) -> None:
        """``parent``: the process that asked for it; the run ends when that one does."""
        self._run = run
        self._parent = parent
        self._latest = time.monotonic() + LONGEST

    def tell(self, result: dict[str, Any]) -> None:
        """Write down how far it is, then look whether it may go on."""
        open_runs = LabRun.objects.filter(pk=self._run.pk, state=LabRun.State.RUNNING)
        if not open_runs.update(result=result, seen_at=Now()):
            raise Ended("The run was given up.")
        self.look()

    def look(self) -> None:
        """Raises Ended where the run may not go on."""
        if LabRun.objects.filter(pk=self._run.pk, end_asked=True).exists():
            raise Ended("Ended by hand.")
        if self._parent is not None and os.getppid() != self._parent:
            raise Ended("The process that had started it is gone.")
        if time.monotonic() > self._latest:
            raise Ended(f"Ended after {LONGEST:.0f} seconds.")
