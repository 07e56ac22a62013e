"""The process of one lab run, started by the page; see races/launch.py."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models.functions import Now

from races import trial
from races.guard import Ended, Guard
from races.hot import run as hot
from races.models import LabRun

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Carry out a run that was asked of the race lab. A second call finds it taken."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--of", type=int, default=None, help="end with this parent process")

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = LabRun.objects.filter(pk=options["run"], state=LabRun.State.WAITING)
        if not waiting.update(state=LabRun.State.RUNNING, seen_at=Now()):
            return
        run = LabRun.objects.get(pk=options["run"])
        guard = Guard(run, options["of"])
        work = hot.run if run.kind == LabRun.Kind.HOT else trial.run
        try:
            work(run, guard.tell)
        except Ended as end:
            self._finish(run, LabRun.State.ENDED, str(end))
        except Exception as error:  # whatever it was, the page says so
            logger.exception("lab run %s failed", run.pk)
            self._finish(run, LabRun.State.FAILED, str(error)[-600:])
        else:
            self._finish(run, LabRun.State.DONE, "")

    def _finish(self, run: LabRun, state: LabRun.State, reason: str) -> None:
        open_run = LabRun.objects.filter(pk=run.pk, state=LabRun.State.RUNNING)
        open_run.update(state=state, reason=reason, finished_at=Now())
