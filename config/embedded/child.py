"""One process that we started: its log, its group, its end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded.account import Account, as_account
from config.embedded.leash import end_with_parent

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Child:
    """A program to run in a process group of its own, so that it can be ended with its children."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    folder: Path = PROJECT
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. What it prints is appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log, warnings.catch_warnings():
            # Python 3.12 warns of preexec_fn beside threads (a test run has some). Ours makes one
            # system call and takes no lock, so there is nothing to deadlock on.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process = subprocess.Popen(  # noqa: S603 (the commands are our own)
                list(self.command),
                env={**os.environ, **self.environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(self.stop_signal),
                **as_account(self.account),
            )

    @property
    def pid(self) -> int:
        """The process's number; it must have been started."""
        if self.process is None:
            raise RuntimeError(f"{self.name} has not been started.")
        return self.process.pid

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Send its stop signal; nothing happens if it has ended already."""
        if self.is_running():
            self.send(self.stop_signal)

    def send(self, what: signal.Signals) -> None:
        """Send a signal to the process itself."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, what)

    def stop(self, patience: float = 10) -> None:
        """Ask, wait up to `patience` seconds, then kill whatever is left of the group."""
        self.ask_to_stop()
        self.wait_until_ended(time.monotonic() + patience)
        self.end_group()

    def wait_until_ended(self, latest: float) -> None:
        """Wait until the process has ended or `time.monotonic()` has passed `latest`."""
        while self.is_running() and time.monotonic() < latest:
            time.sleep(0.02)

    def end_group(self) -> None:
        """Kill what is left of the group, e.g. pool children whose main process was killed."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def python(*arguments: str) -> list[str]:
    """A command line for this interpreter; `-u` so that the log has every line at once."""
    return [sys.executable, "-u", *arguments]
