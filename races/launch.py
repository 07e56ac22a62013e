"""Starts the process of a lab run. It ends by itself: done, asked to, too late, or left alone."""

import os
import subprocess
import sys
import threading

from config.embedded.child import PROJECT


def launch(run_id: int) -> None:
    """Start `manage.py lab_run`, which belongs to this process and does not outlive it."""
    command = [sys.executable, "manage.py", "lab_run", str(run_id), "--of", str(os.getpid())]
    process = subprocess.Popen(  # noqa: S603 (our own command)
        command,
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for whoever started it, which then tells it
    )
    # Somebody must take note of its end, or its number stays taken.
    threading.Thread(target=process.wait, name=f"lab run {run_id}", daemon=True).start()
