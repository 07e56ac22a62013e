"""A throwaway PostgreSQL and Valkey for the races: the explorer holds and ends backends."""

import logging
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from config.embedded import account
from config.embedded.binaries import ProgramNotFound
from config.embedded.ports import free_port
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey
from races import lab, steady
from races.explorer import Explorer, ServerNotControlled

DATABASE = "races"
SETTINGS = {
    "autovacuum": "off",  # it would move rows by chance
    "fsync": "off",  # what is lost when the machine goes down is not missed
    "full_page_writes": "off",
    "max_connections": "50",
}

_SCRAM_ITERATIONS_SINCE = 160000  # PostgreSQL 16


@contextmanager
def throwaway(kind: type[Explorer] = Explorer) -> Iterator[Explorer]:
    """An explorer on servers of its own, migrated and empty, gone afterwards: at SIGTERM, too.

    Raises CommandError where they cannot be had: it is commands that ask for it.
    """
    try:
        with _servers(kind) as explorer:
            yield explorer
    except (ProgramNotFound, ServerNotControlled) as error:
        raise CommandError(
            "The races start a PostgreSQL and a Valkey of their own and use no others, whatever "
            f"DATABASE_URL and BROKER_URL say. {error}"
        ) from None


@contextmanager
def _servers(kind: type[Explorer]) -> Iterator[Explorer]:
    signal.signal(signal.SIGTERM, _leave)
    folder = Path(tempfile.mkdtemp(prefix="onceproof-races-"))
    folder.chmod(0o711)  # PostgreSQL's user may pass through, nobody may look in
    runs_as = account.for_servers()
    place = account.place_for(folder, runs_as)
    postgres = Postgres(place, free_port(), secrets.token_hex(12), runs_as, SETTINGS)
    valkey = Valkey(place, free_port(), secrets.token_hex(12), runs_as)
    children = []
    logging.disable(logging.CRITICAL)  # thousands of runs would log what each of them did
    try:
        for server in (postgres, valkey):
            server.initialise()
            children.append(server.child(folder / "log"))
            children[-1].start()
            server.wait_until_ready()
        postgres.create_database(DATABASE)
        _work_with(postgres, valkey)
        make_connecting_cheap(postgres.password)
        with lab.broker.installed(), steady.without_clocks():
            explorer = kind(patience=30)
            yield explorer
            explorer.close()
    finally:
        logging.disable(logging.NOTSET)
        connections.close_all()
        for child in children:
            child.stop(patience=5)
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _work_with(postgres: Postgres, valkey: Valkey) -> None:
    """Point this process at the throwaway servers; nothing of the installation is touched."""
    connections["default"].close()
    del connections["default"]
    connections.settings["default"].update(
        HOST="127.0.0.1",
        PORT=str(postgres.port),
        USER="postgres",
        PASSWORD=postgres.password,
        NAME=DATABASE,
    )
    os.environ["RACES_REDIS_URL"] = valkey.url()
    settings.CELERY_BROKER_URL = valkey.url()
    call_command("migrate", verbosity=0)


def make_connecting_cheap(password: str) -> None:
    """Hash the password once at each sign-in, not 4,096 times: each death needs a new connection.

    For a throwaway server, whose password is too long to be guessed however it is hashed.
    """
    with connections["default"].cursor() as cursor:
        if cursor.connection.info.server_version >= _SCRAM_ITERATIONS_SINCE:
            cursor.execute("SET scram_iterations = 1")
            cursor.execute("ALTER ROLE CURRENT_USER PASSWORD %s", [password])
    connections["default"].close()
