"""Real processes for tests: workers, relay, beat and web on the test's own database and broker.

    def test_something(stack: Stack) -> None:
        worker = stack.worker(queues="default", pool="prefork", concurrency=2)
        relay = stack.relay()
        services.schedule_reduction(...)                    # in the test's process, committed
        stack.wait_until(lambda: Product.objects.get().price == 9)
        stack.kill(worker)                                  # kill -9 of the main process
        stack.kill_one_child(worker)                        # kill -9 of one pool child
        stack.freeze(relay); stack.thaw(relay)              # SIGSTOP, SIGCONT
        stack.flush_broker()
        stack.kill_broker(); stack.start_broker()           # also freeze_broker, thaw_broker
        stack.kill_postgres(); stack.start_postgres()       # the test's own connection is renewed
        stack.freeze_postgres(); stack.thaw_postgres()      # its main process only
        worker.start()                                      # again, after a kill
        web = stack.web(); httpx/urllib at web.address
        stack.manage("reduce_price", "DEMO-1", "--percent", "10").stdout
        worker.log.read_text()

The fixture implies `transactional_db`: the test's rows are committed and removed after it. A test
without it may not expect other processes to see its rows. All processes are ended with the test;
PostgreSQL and Valkey belong to this pytest-xdist worker alone, so they may be killed and frozen.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections

from config.embedded.child import PROJECT, Child, python
from config.embedded.ports import free_port
from tests import brokers
from tests.servers import Servers


@dataclass
class Web(Child):
    """The web server, and where it answers."""

    address: str = ""


class Stack:
    """Starts real processes, harms them, and ends what is left of them."""

    def __init__(self, folder: Path, servers: Servers | None) -> None:
        self.folder = folder
        self.children: list[Child] = []
        self._servers = servers

    def worker(
        self,
        queues: str = "critical,default,bulk,relay",
        *,
        pool: str = "prefork",
        concurrency: int = 2,
        name: str = "worker",
        options: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> Child:
        """A Celery worker that is ready to take tasks."""
        name = f"{name}-{len(self.children)}"
        flags = ["--without-gossip", "--without-mingle", "-E", "-l", "INFO", "-n", f"{name}@test"]
        size = ["-Q", queues, "--pool", pool, "--concurrency", str(concurrency)]
        command = ["-m", "celery", "-A", "config", "worker", *flags, *size, *options]
        worker = self._start(Child(name, python(*command), self._log(name), environment or {}))
        ready = f"{name}@test ready"  # a busy machine may need a minute for it
        self.wait_until(lambda: ready in worker.log.read_text(), timeout=90, why=worker)
        return worker

    def relay(self, *, environment: dict[str, str] | None = None) -> Child:
        """The relay loop, `manage.py relay`."""
        name = f"relay-{len(self.children)}"
        command = python("manage.py", "relay")
        return self._start(Child(name, command, self._log(name), environment or {}))

    def beat(self, *, environment: dict[str, str] | None = None) -> Child:
        """celery-beat with the project's scheduler."""
        name = f"beat-{len(self.children)}"
        command = python("-m", "celery", "-A", "config", "beat", "-l", "INFO", "--pidfile=")
        return self._start(Child(name, command, self._log(name), environment or {}))

    def web(self, *, workers: int = 1, environment: dict[str, str] | None = None) -> Web:
        """The web server on a free port, answering at its `address`."""
        name, address = f"web-{len(self.children)}", f"127.0.0.1:{free_port()}"
        bind = ["--bind", address, "--workers", str(workers), "--threads", "8"]
        command = python("-m", "gunicorn", "config.wsgi", *bind)
        log = self._log(name)
        web = Web(name, command, log, environment or {}, address=f"http://{address}")
        self._start(web)
        self.wait_until(lambda: "Booting worker" in log.read_text(), why=web)
        return web

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `manage.py` command to its end. The caller looks at `returncode`."""
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As `manage`, whatever this interpreter is to run."""
        return subprocess.run(
            python(*arguments),
            env={**os.environ, **self._environment()},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def wait_until(
        self, condition: Callable[[], Any], *, timeout: float = 30, why: Child | None = None
    ) -> None:
        """Wait until `condition()` is true; after `timeout` s AssertionError with `why`'s log."""
        latest = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > latest:
                log = why.log.read_text()[-4000:] if why else ""
                raise AssertionError(f"Still not so after {timeout} s. {log}")
            time.sleep(0.05)

    def kill(self, child: Child) -> None:
        """Kill -9 the main process; its pool children are left to themselves."""
        child.send(signal.SIGKILL)
        child.wait_until_ended(time.monotonic() + 5)

    def kill_one_child(self, child: Child) -> int:
        """Kill -9 one child process, e.g. of a prefork pool; returns its pid."""
        victim = children_of(child.pid)[0]
        os.kill(victim, signal.SIGKILL)
        return victim

    def freeze(self, child: Child) -> None:
        """SIGSTOP the process and its children."""
        os.killpg(child.pid, signal.SIGSTOP)

    def thaw(self, child: Child) -> None:
        """SIGCONT the process and its children."""
        os.killpg(child.pid, signal.SIGCONT)

    def flush_broker(self) -> None:
        """Everything that the broker knew is gone, and every key in Redis."""
        brokers.empty()

    def kill_broker(self) -> None:
        """Kill -9 the broker. Its files stay."""
        self.kill(self._server("broker_child"))

    def start_broker(self) -> None:
        """Start the broker again and wait until it answers."""
        self._own_servers().start_broker()

    def freeze_broker(self) -> None:
        """SIGSTOP the broker: connections are accepted and nothing answers."""
        self.freeze(self._server("broker_child"))

    def thaw_broker(self) -> None:
        """SIGCONT the broker."""
        self.thaw(self._server("broker_child"))

    def refuse_writes(self, *, refuse: bool) -> None:
        """Let the broker take nothing, as one whose disk or memory is full, or take it again."""
        brokers.refuse_writes(self._own_servers(), refuse=refuse)

    def kill_postgres(self) -> None:
        """Kill -9 PostgreSQL's main process; its backends notice and end by themselves."""
        self.kill(self._server("postgres_child"))

    def freeze_postgres(self) -> None:
        """SIGSTOP PostgreSQL's main process: backends at work go on, no new one comes."""
        self.freeze(self._server("postgres_child"))

    def thaw_postgres(self) -> None:
        """SIGCONT PostgreSQL's main process."""
        self.thaw(self._server("postgres_child"))

    def start_postgres(self) -> None:
        """Start PostgreSQL again, wait until it has recovered, renew the test's own connection."""
        self._own_servers().start_postgres()
        connections.close_all()

    def end(self) -> None:
        """Kill every process that was started here, and bring back servers that a test killed."""
        for child in self.children:
            child.end_group()
        if self._servers is not None:
            self._revive(self._servers)

    def _revive(self, servers: Servers) -> None:
        for name, start in (("broker", servers.start_broker), ("postgres", servers.start_postgres)):
            child = self._server(f"{name}_child")
            if child.is_running():
                self.thaw(child)
            else:
                start()
                connections.close_all()
        self.flush_broker()

    def _start(self, child: Child) -> Any:
        child.environment = {**self._environment(), **child.environment}
        self.children.append(child)
        child.start()
        return child

    def _environment(self) -> dict[str, str]:
        """Where this test's rows are; under pytest-xdist that is not what the settings name."""
        database = connection.settings_dict
        login = f"{database['USER']}:{database['PASSWORD']}"
        host = f"{database['HOST']}:{database['PORT'] or 5432}"
        return {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"postgres://{login}@{host}/{database['NAME']}",
            "BROKER_URL": settings.CELERY_BROKER_URL,
        }

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _own_servers(self) -> Servers:
        import pytest

        if self._servers is None:
            pytest.skip("TEST_DATABASE_URL names a server that is not ours to kill")
        return self._servers

    def _server(self, name: str) -> Child:
        child: Child = getattr(self._own_servers(), name)
        return child


def children_of(pid: int) -> list[int]:
    """The child processes of `pid`, oldest first."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [line.split() for line in listing.splitlines()]
    with suppress(ValueError):
        return sorted(int(child) for child, parent in pairs if int(parent) == pid)
    return []
