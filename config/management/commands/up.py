"""`manage.py up`: start everything, restart what dies, end all of it with Ctrl-C."""

import os
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from environs import Env

from config import home
from config.home import Running
from config.supervisor.run import CannotStart, Supervisor


class Command(BaseCommand):
    """Serves loopback only. ONCEPROOF_HOME, PORT and FLOWER_PORT say where."""

    help = "Start all of it on loopback and restart what dies, until Ctrl-C."
    requires_system_checks = ()  # nothing runs yet that could be checked

    def handle(self, *_: Any, **__: Any) -> None:
        """Block until it is told to stop."""
        env = Env()
        supervisor = Supervisor(
            home=home.current(),
            port=env.int("PORT", 8000),
            flower_port=env.int("FLOWER_PORT", 5555),
            say=self._say,
            announce=self._announce,
            parent=os.getppid() if env.bool("ONCEPROOF_END_WITH_PARENT", False) else None,
        )
        os.environ["ONCEPROOF_HOME"] = str(supervisor.home.folder)  # for all that it starts
        self._say("Starting …")
        try:
            supervisor.run()
        except (CannotStart, RuntimeError, TimeoutError) as reason:  # each says what is wrong
            raise CommandError(str(reason)) from None

    def _announce(self, running: Running) -> None:
        from config.accounts import demo

        place = home.current()
        self._say(f"Onceproof  {running.web}")
        self._say(f"Flower     {running.flower}")
        if running.embedded:
            self._say("Sign in as viewer, operator or admin, each with the password")
            self._say(f"           {demo.password(place.folder)}")
        self._say(f"Data and logs are in {place.folder}. Ctrl-C ends all of it.")

    def _say(self, line: str) -> None:
        with suppress(OSError):  # nobody may read it any more; all the rest goes on
            self.stdout.write(line)
            self.stdout.flush()
