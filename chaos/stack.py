"""A whole stack of real processes in a temporary home: `manage.py up`, and second copies beside it.

It knows nothing of an installation around it, so it runs beside a `make run`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from chaos import own_home, processes
from chaos.keeper import Keeper
from config.embedded import binaries
from config.embedded.child import PROJECT, Child, python
from config.embedded.ports import free_port
from config.home import Home, Running

OF_THE_MACHINE = ("HOME", "LANG", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
OF_ITS_PROGRAMS = ("LC_", "POSTGRES_BIN", "PYTHON", "VALKEY_BIN", "VIRTUAL_ENV")
"""How the names of variables begin that are kept; any other may be the setting of an installation:
its servers, its providers, the address to which it reports its errors."""

TUNED = {
    "TEXT_TIMEOUT": "2",  # so that what nobody knows is settled within the run
    "TEXT_LIST_LAG": "1",
    "PROVIDER_TIMEOUT": "2",
    "TEXTS_PER_SECOND": "200",
    "API_REQUESTS_PER_SECOND": "2000",
    "LOG_LEVEL": "WARNING",  # half an hour of a line per effect is of no use to anybody
}
CELERY = ("-m", "celery", "-A", "config", "--skip-checks", "--quiet")


class CannotStart(Exception):
    """The stack did not become ready; the message ends with what it said."""


class Stack:
    """Start it, harm its processes by name, end it. Its home goes with it."""

    def __init__(self, *, bug: str = "", keep: bool = False) -> None:
        for name in [*os.environ]:
            if name not in OF_THE_MACHINE and not name.startswith(OF_ITS_PROGRAMS):
                del os.environ[name]
        self.home = Path(tempfile.mkdtemp(prefix="onceproof-chaos-"))
        self.home.chmod(0o711)  # PostgreSQL's user may pass through, nobody may look in
        own_home.mark(self.home)
        self.port, self.second_port, flower = free_port(), free_port(), free_port()
        self.keeper = Keeper()
        self._keep = keep
        self._environment = {
            **TUNED,
            "ONCEPROOF_HOME": str(self.home),
            "ONCEPROOF_END_WITH_PARENT": "1",
            "ONCEPROOF_CHAOS_BUG": bug,
            "PORT": str(self.port),
            "FLOWER_PORT": str(flower),
        }
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> Running:
        """The addresses of its servers."""
        found = Home(self.home).running()
        if found is None:
            raise RuntimeError("The stack has not been started.")
        return found

    @property
    def webs(self) -> list[str]:
        """Where its web servers answer, as host:port."""
        return [f"127.0.0.1:{port}" for port in (self.port, self.second_port)]

    def start(self, patience: float = 120) -> None:
        """Start all of it and wait until it is ready, second copies apart. Raises CannotStart."""
        os.environ.update(self._environment)  # for second copies and commands
        self._start_supervisor()
        latest = time.monotonic() + patience
        while not self._is_ready():
            if time.monotonic() > latest or self._has_ended():
                raise CannotStart(self._told())
            time.sleep(0.1)
        self.keeper.start()
        self.keep(self._second_web())
        self.keep(self._second_worker("worker-main-2", "critical,default", "prefork", 2))
        self.keep(self._second_worker("worker-bulk-2", "bulk", "threads", 16))

    def keep(self, child: Child) -> None:
        """Have one more process, and start it again when it dies."""
        self.keeper.keep(child)

    def child(self, name: str, *arguments: str) -> Child:
        """A process of this home, not started yet."""
        log = self.home / "logs" / f"{name}.log"
        return Child(name, python(*arguments), log, {"PROCESS_NAME": name})

    def pids(self) -> dict[str, int]:
        """The main processes by name: web, web-2, worker-main, relay, beat, postgres, …"""
        return {**processes.supervised(self.home), **self.keeper.pids()}

    def manage(self, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
        """What a command prints. Raises CannotStart where its exit code is not a fine one."""
        done = subprocess.run(  # noqa: S603 (our own command)
            python("manage.py", *arguments),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in fine:
            raise CannotStart(f"{arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def stop(self) -> None:
        """End everything at once, and remove the home unless it was to be kept."""
        self.keeper.stop()
        if self._supervisor is not None:
            self._supervisor.kill()  # first, or it would start the others again
            self._supervisor.wait()
            self._end_supervised()
        if not self._keep:
            shutil.rmtree((self.home / "servers").resolve(), ignore_errors=True)
            shutil.rmtree(self.home, ignore_errors=True)

    def _end_supervised(self) -> None:
        """PostgreSQL by its immediate shutdown, which gives its shared memory back."""
        running: dict[str, int] = {}
        with suppress(FileNotFoundError):  # it may have ended before it wrote anything down
            running = processes.supervised(self.home)
        postgres = running.pop("postgres", 0)
        for pid in running.values():
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        if postgres:
            processes.send(signal.SIGCONT, postgres, *processes.descendants(postgres))
            processes.send(signal.SIGQUIT, postgres)
        latest = time.monotonic() + 10
        while postgres and processes.is_alive(postgres) and time.monotonic() < latest:
            time.sleep(0.05)

    def _start_supervisor(self) -> None:
        environment = {
            **os.environ,
            "VALKEY_BIN": str(_broker_that_outlives_a_full_disk(self.home)),
        }
        with (self.home / "supervisor.out").open("ab") as output:
            self._supervisor = subprocess.Popen(  # noqa: S603
                python("manage.py", "up"),
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: we end it in order
            )

    def _second_web(self) -> Child:
        bind = ("--bind", self.webs[1], "--workers", "2", "--threads", "8", "--preload")
        ends = ("--no-control-socket", "--graceful-timeout", "5", "--timeout", "30")
        return self.child("web-2", "-m", "gunicorn", "config.wsgi", *bind, *ends)

    def _second_worker(self, name: str, queues: str, pool: str, concurrency: int) -> Child:
        size = ("-Q", queues, "--pool", pool, "--concurrency", str(concurrency))
        flags = ("--without-gossip", "--without-mingle", "-E", "-l", "INFO")
        return self.child(name, *CELERY, "worker", "-n", f"{name}@%h", *flags, *size)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.webs[0]}/readyz", timeout=4) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _has_ended(self) -> bool:
        return self._supervisor is not None and self._supervisor.poll() is not None

    def _told(self) -> str:
        return f"The stack is not ready.\n{(self.home / 'supervisor.out').read_text()[-3000:]}"


def _broker_that_outlives_a_full_disk(home: Path) -> Path:
    """The folder of a broker that ignores SIGXFSZ, so that a limit on its files' size is to it what
    a full disk is: a write that fails. (An ignored signal stays so through exec.)"""
    folder = home / "broker"
    folder.mkdir(mode=0o755)
    shutil.copy(binaries.valkey_program(), folder / "valkey-itself")
    script = folder / "valkey-server"
    script.write_text('#!/bin/sh\ntrap "" XFSZ\nexec "$(dirname "$0")/valkey-itself" "$@"\n')
    for file in folder.iterdir():
        file.chmod(0o755)
    return folder
