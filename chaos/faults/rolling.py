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
MOST_IN_VAIN = 2  # of the first ones; then there is no roll
PATIENCE = 12.0  # seconds for one to end and be started again


def restart(site: Site) -> Lasting:
    """The next one is asked once the one before has been started again, ready or not.

    A fault once the first one is another. Raises LookupError where none has become another.
    """
    begun = threading.Event()
    thread = threading.Thread(target=_roll, args=(site, begun), name="rolling")
    thread.start()
    while not begun.wait(0.05):
        if not thread.is_alive() and not begun.is_set():
            raise LookupError("nobody was started again")
    return Lasting(0, thread.join, goes_on=thread.is_alive)


def _roll(site: Site, begun: threading.Event) -> None:
    in_vain = 0
    for name in ORDER:
        before = site.stack.pids().get(name)
        if before is not None:
            processes.send(HOW.get(name, signal.SIGTERM), before)
            if _wait_for_another(site, name, before):
                begun.set()
            elif not begun.is_set() and (in_vain := in_vain + 1) == MOST_IN_VAIN:
                return


def _wait_for_another(site: Site, name: str, before: int) -> bool:
    latest = time.monotonic() + PATIENCE
    while time.monotonic() < latest:
        if site.stack.pids().get(name, before) != before:
            return True
        time.sleep(0.1)
    return False
