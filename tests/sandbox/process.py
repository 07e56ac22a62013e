"""The real sandbox as a process of its own, to be started, killed and asked."""

import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Self

from config.embedded.leash import end_with_parent
from sandbox import credentials
from sandbox.control import Control

PROJECT = Path(__file__).resolve().parents[2]


class SandboxProcess:
    """`python -m sandbox serve` in a home of its own; the first start chooses a free port."""

    def __init__(self, home: Path, **environment: str) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        self.url = ""
        self.credentials = credentials.load(home)
        self.control = Control(home)
        self._environment = {"SANDBOX_HOME": str(home), "SANDBOX_SEED": "1", **environment}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)
        self.control.close()

    def start(self) -> None:
        """Start, on the port of the first start, and return when it answers."""
        port = self.url.rpartition(":")[2] or "0"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of preexec_fn: see Child.start
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", "serve", "--port", port],
                cwd=PROJECT,
                env=self._environment,
                stdout=subprocess.PIPE,
                text=True,
                # An interrupted pytest-xdist ends its workers before they tear anything down.
                preexec_fn=end_with_parent(),
            )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.communicate(timeout=10)
