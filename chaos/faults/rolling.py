"""A rolling restart: everything is asked to end, one after the other, under load."""

import signal
import threading
import time

from chaos import processes
from chaos.faults.site import Lasting, Site

ORDER = (
    *("web", "web-2", "worker-main", "worker-main-2", "worker-bulk", "worker-bulk-2"),
    *("worker-relay", "relay", "beat", "broker", "postgres"),
)
HOW = {"postgres": signal.SIGINT}  # its fast shutdown; to all others SIGTERM says "finish and end"
PATIENCE = 12.0  # seconds for one to end and be started again


def restart(site: Site) -> Lasting:
    """The next one is asked once the one before has been started again, ready or not."""
    thread = threading.Thread(target=_roll, args=(site,), name="rolling")
    thread.start()
    return Lasting(0, thread.join, goes_on=thread.is_alive)


def _roll(site: Site) -> None:
    for name in ORDER:
        before = site.stack.pids().get(name)
        if before is not None:
            processes.send(HOW.get(name, signal.SIGTERM), before)
            _wait_for_another(site, name, before)


def _wait_for_another(site: Site, name: str, before: int) -> None:
    latest = time.monotonic() + PATIENCE
    while time.monotonic() < latest:
        if site.stack.pids().get(name, before) != before:
            return
        time.sleep(0.1)
