"""Starts the process of a lab run. It ends by itself: done, asked to, too late, or left alone."""

import os
import subprocess
import sys

from config.embedded.child import PROJECT

_started: list["subprocess.Popen[bytes]"] = []


def launch(run_id: int) -> None:
    """Start `manage.py lab_run`, which belongs to this process and does not outlive it."""
    _started[:] = [process for process in _started if process.poll() is None]
    command = [sys.executable, "manage.py", "lab_run", str(run_id), "--of", str(os.getpid())]
    _started.append(
        subprocess.Popen(  # noqa: S603 (our own command)
            command,
            cwd=PROJECT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for whoever started it, which then tells it
        )
    )
