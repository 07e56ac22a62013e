"""Whole copies of Onceproof under their own supervisors, for tests of `manage.py up`."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.embedded.child import PROJECT
from config.embedded.ports import free_port
from config.supervisor.leftovers import Listed, listing

# What the test run sets for itself, and a copy must find on its own.
OF_THE_TEST_RUN = (
    *("DATABASE_URL", "BROKER_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "HTTPS"),
    *("DJANGO_SETTINGS_MODULE", "PROCESS_NAME"),
)


class Copy:
    """One home, its ports and its supervisor."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port, self.flower_port = free_port(), free_port()
        kept = {key: value for key, value in os.environ.items() if key not in OF_THE_TEST_RUN}
        places = {"ONCEPROOF_HOME": str(home), "PORT": str(self.port)}
        ports = {"FLOWER_PORT": str(self.flower_port)}
        self.environment = {**kept, **places, **ports, **environment}
        self.supervisor: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    def start(self) -> None:
        """Start the supervisor; a second call while it runs does nothing."""
        if self.supervisor is None or self.supervisor.poll() is not None:
            with (self.home.with_suffix(".out")).open("ab") as output:
                self.supervisor = subprocess.Popen(
                    [sys.executable, "manage.py", "up"],
                    cwd=PROJECT,
                    env=self.environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def wait_until_ready(self, timeout: float = 90) -> None:
        """Wait until /readyz answers 200."""
        wait_until(lambda: self.ask("/readyz")[0] == 200, timeout, self.told)

    def ask(self, path: str, port: int | None = None) -> tuple[int, Any]:
        """GET an address of this copy: status (0: no answer) and body."""
        try:
            address = f"http://127.0.0.1:{port or self.port}{path}"
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        except OSError:
            return 0, b""

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that is given nothing but ONCEPROOF_HOME."""
        kept = {"ONCEPROOF_HOME": str(self.home), "PATH": os.environ["PATH"]}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=kept,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def processes(self) -> dict[str, int]:
        """Main processes by their log's name, as the supervisor wrote them down."""
        written = json.loads((self.home / "processes.json").read_text())
        return {_name(command): pid for pid, command, _ in written}

    def remains(self) -> list[Listed]:
        """Every process that is still in one of the groups that were remembered."""
        return [one for one in listing() if one.group in self._groups]

    def remember(self) -> None:
        """Note the present process groups, to ask for their `remains` later."""
        self._groups = set(self.processes().values())

    def stop(self, what: signal.Signals = signal.SIGINT) -> float:
        """Tell the supervisor to stop; returns the seconds that it took."""
        if self.supervisor is None or self.supervisor.poll() is not None:
            return 0.0
        start = time.monotonic()
        self.supervisor.send_signal(what)
        self.supervisor.wait(timeout=30)
        return time.monotonic() - start

    def discard(self) -> None:
        """Stop it and remove its data, wherever they are."""
        self.stop()
        shutil.rmtree((self.home / "servers").resolve(), ignore_errors=True)

    def told(self) -> str:
        """What the supervisor printed, and the ends of the logs."""
        output = self.home.with_suffix(".out").read_text()
        ends = [f"{log.name}: {log.read_text()[-600:]}" for log in self.home.glob("logs/*.log")]
        return "\n".join([output, *ends])


def wait_until(condition: Callable[[], Any], timeout: float, told: Callable[[], str]) -> None:
    """Wait until `condition()` is true, else fail with what was told."""
    latest = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > latest:
            raise AssertionError(f"Still not so after {timeout} s.\n{told()}")
        time.sleep(0.1)


def _name(command: str) -> str:
    words = command.split()
    if "worker" in words:
        return words[words.index("-n") + 1].removesuffix("@%h")
    known = ("postgres", "valkey-server", "gunicorn", "beat", "relay", "flower", "sandbox")
    return next(name for name in known if any(Path(word).name == name for word in words))
