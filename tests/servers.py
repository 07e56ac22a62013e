"""The suite's own throwaway PostgreSQL and broker: a set for each pytest-xdist worker.

The broker is Valkey or, with TEST_BROKER=rabbitmq (`make test BROKER=rabbitmq`), RabbitMQ beside a
Valkey, which then is what REDIS_URL names. A set each, because tests kill, freeze and restart them.
`fsync` is off: it matters only when the machine itself goes down, and no test can do that. What a
killed server had acknowledged is in the kernel's page cache and is there again after its restart,
with or without `fsync`. TEST_DATABASE_URL and TEST_BROKER_URL name servers to use instead; tests
that kill servers then skip.
"""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import pytest

from config.embedded import account
from config.embedded.child import Child
from config.embedded.ports import free_port
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey
from tests import rabbitmq
from tests.rabbitmq import RabbitMQ

DATABASE = "onceproof"
PREFIX = "onceproof-tests-"  # then the owner's process number, so that a later run can tell


WITH_RABBITMQ = os.environ.get("TEST_BROKER", "") == "rabbitmq"
on_redis = pytest.mark.skipif(
    WITH_RABBITMQ, reason="about a thing of `make run`, whose broker is Valkey"
)
"""For tests of what belongs to `make run` alone, and so never meets a RabbitMQ."""


class Servers:
    """A PostgreSQL and a broker in a folder that goes when the process does."""

    def __init__(self) -> None:
        _sweep()
        if WITH_RABBITMQ and rabbitmq.program() is None:
            raise SystemExit(f"TEST_BROKER=rabbitmq: {rabbitmq.INSTALL}.")
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.folder.chmod(0o711)  # PostgreSQL's user may pass through, nobody may look in
        runs_as = account.for_servers()
        place = account.place_for(self.folder, runs_as)
        password = secrets.token_hex(12)
        fast = {"fsync": "off", "max_connections": "300"}
        self.postgres = Postgres(place, free_port(), password, runs_as, fast)
        self.valkey = Valkey(place, free_port(), password, runs_as)
        self.rabbitmq = RabbitMQ(place, free_port(), password, runs_as) if WITH_RABBITMQ else None
        self.postgres_child: Child | None = None
        self.valkey_child: Child | None = None
        self._place = place
        self._owner = os.getpid()
        atexit.register(self.end)

    def start(self) -> None:
        """Start them and wait until they answer; a second call does nothing."""
        if self.postgres_child is not None:
            return
        self.postgres.initialise()
        self.valkey.initialise()
        self.postgres_child = self.postgres.child(self.folder / "postgres.log")
        self.valkey_child = self.valkey.child(self.folder / "valkey.log")
        self.start_postgres()
        self.start_valkey()
        if self.rabbitmq is not None:
            self.start_broker()

    def broker_url(self) -> str:
        """The broker's address."""
        return self.rabbitmq.url() if self.rabbitmq else self.valkey.url()

    @property
    def broker_child(self) -> Child:
        """The broker's process."""
        return _running(self.rabbitmq.node if self.rabbitmq else self.valkey_child)

    def start_postgres(self) -> None:
        """Start PostgreSQL (again, after a test has killed it) and wait until it answers."""
        _running(self.postgres_child).start()
        self.postgres.wait_until_ready()

    def start_broker(self) -> None:
        """Start the broker (again, after a test has killed it) and wait until it answers."""
        if self.rabbitmq is not None:
            self.rabbitmq.start(self.folder / "rabbitmq.log")
        else:
            self.start_valkey()

    def start_valkey(self) -> None:
        """Start Valkey (again, after a test has killed it) and wait until it answers."""
        _running(self.valkey_child).start()
        self.valkey.wait_until_ready()

    def end(self) -> None:
        """Stop them and remove their folder."""
        if os.getpid() != self._owner:  # a forked child of a test runs this, too
            return
        for child in (self.valkey_child, self.postgres_child):
            if child is not None:
                child.stop(patience=5)
        if self.rabbitmq is not None:
            self.rabbitmq.end()
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _sweep() -> None:
    """Remove what test runs have left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _running(child: Child | None) -> Child:
    if child is None:
        raise RuntimeError("These servers have not been started.")
    return child
