"""The life of the supervisor: servers, database, processes, watch, end."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

from config.embedded.child import PROJECT, Child, python
from config.embedded.ports import free_port, is_free
from config.home import Home, Running
from config.settings.installation import LOOPBACK
from config.supervisor import layout, leftovers, logfiles, servers
from config.supervisor.watch import PATIENCE, Watch

ENDING = "ending"  # what the lock's file says while its holder ends


class CannotStart(Exception):
    """Something outside the supervisor is in the way; the message says what to do about it."""


class _Stop(BaseException):
    """SIGINT, SIGTERM or SIGHUP came."""


@dataclass
class Supervisor:
    """`run` blocks until it is told to stop, and leaves nothing behind."""

    home: Home
    port: int
    flower_port: int
    say: Callable[[str], None]
    announce: Callable[[Running], None]
    parent: int | None = None  # end when this process does, e.g. make
    watch: Watch = field(init=False)
    embedded: list[Child] = field(default_factory=list)

    def run(self) -> None:
        """Start all, restart what dies, end all on SIGINT or SIGTERM. Raises CannotStart."""
        self.home.create()
        self.watch = Watch(lambda: leftovers.note(self.home, self.watch.children), self.say)
        with self._only_one(), _stop_signals():
            try:
                self._start()
                self._keep_running()
            except _Stop:
                self.say("Stopping …")
            finally:
                self._end()

    def _start(self) -> None:
        if found := leftovers.end(self.home):
            self.say(f"Ended {len(found)} processes that a killed run had left.")
        self._check_ports()
        self.home.create_secret()
        running = self._external() or self._embedded()
        self.home.note(running)
        sandbox = int(running.sandbox.rpartition(":")[2])
        ports = {"flower_port": self.flower_port, "sandbox_port": sandbox}
        self._add(layout.independent(self.home, **ports))
        self._prepare()
        self._add(layout.processes(self.home, port=self.port))
        self.announce(running)

    def _add(self, children: list[Child]) -> None:
        for child in children:
            self.watch.add(child)

    def _embedded(self) -> Running:
        own = servers.of_home(self.home)
        leftovers.forget_stale_pid_file(own.postgres.data)
        self.embedded = own.children(self.home)
        self._add(self.embedded)
        own.wait_until_ready()
        return self._running(
            own.postgres.url(servers.DATABASE), own.valkey.url(), own.sandbox_port, embedded=True
        )

    def _external(self) -> Running | None:
        """The servers that the environment names, if it does."""
        database, broker = os.environ.get("DATABASE_URL"), os.environ.get("BROKER_URL")
        if not database or not broker:
            return None
        # Loopback without TLS is what we serve, whatever the servers are.
        supplied = {"SECRET_KEY": self.home.secret() or "", "ALLOWED_HOSTS": ",".join(LOOPBACK)}
        for name, value in {**supplied, "HTTPS": "false"}.items():
            os.environ[name] = os.environ.get(name) or value
        return self._running(database, broker, free_port(), embedded=False)

    def _running(self, database: str, broker: str, sandbox: int, *, embedded: bool) -> Running:
        return Running(
            embedded=embedded,
            database_url=database,
            broker_url=broker,
            web=f"http://127.0.0.1:{self.port}",
            flower=f"http://127.0.0.1:{self.flower_port}",
            sandbox=f"http://127.0.0.1:{sandbox}",
            supervisor=os.getpid(),
        )

    def _prepare(self) -> None:
        """Migrate and load demo data, in a process that reads what was just written down."""
        done = subprocess.run(  # noqa: S603 (our own command)
            python("manage.py", "prepare"), cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise CannotStart(f"The database could not be prepared.\n{done.stderr[-3000:]}")

    def _keep_running(self) -> None:
        rounds = 0
        while self.parent is None or os.getppid() == self.parent:
            self._look(bound_logs=(rounds := rounds + 1) % 50 == 0)
            time.sleep(0.1)

    def _look(self, *, bound_logs: bool) -> None:
        try:
            self.watch.look()
            if bound_logs:
                logfiles.bound(self.home.logs)
        except OSError as problem:  # a full disk, no more processes: it may pass, so we go on
            self.say(f"{problem}; trying again.")

    def _end(self) -> None:
        """Servers last: what still works may want to finish."""
        (self.home.folder / "lock").write_text(ENDING)
        others = [child for child in self.watch.children if child not in self.embedded]
        self.watch.stop(others)
        self.watch.stop(self.embedded, PATIENCE / 2)
        leftovers.note(self.home, [])

    def _check_ports(self) -> None:
        for variable, port in (("PORT", self.port), ("FLOWER_PORT", self.flower_port)):
            if not is_free(port):
                raise CannotStart(
                    f"Port {port} is taken by another program: set {variable} to a free one, "
                    f"for instance {variable}={port + 1} make run."
                )

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        with (self.home.folder / "lock").open("a+") as lock:
            _take(lock)
            yield


def _take(lock: IO[str]) -> None:
    """The lock falls with its holder, however that ends. One that is ending is waited for."""
    start = time.monotonic()
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            return
        except BlockingIOError:
            lock.seek(0)
            if time.monotonic() > start + (20 if lock.read() == ENDING else 1):
                raise CannotStart(
                    "Onceproof already runs in this ONCEPROOF_HOME. Another copy beside it needs "
                    "another home and other ports: ONCEPROOF_HOME=… PORT=… FLOWER_PORT=… make run."
                ) from None
        time.sleep(0.1)


@contextmanager
def _stop_signals() -> Iterator[None]:
    """The first signal stops; further ones change nothing, since the end is bounded anyway."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        numbers.append(signal.SIGHUP)

    def stop(*_: int | FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _Stop

    before = {number: signal.signal(number, stop) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
