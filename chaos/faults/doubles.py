"""More than one of what there should be one of, and one whose clock is wrong."""

import time
from importlib.util import find_spec

from chaos.faults.site import Lasting, Site
from chaos.stack import CELERY

BESIDE = 12.0  # seconds: beyond the relay's lock and beat's slot
LIVES = 5.0  # seconds after its start: one that cannot begin has ended by then
LONGEST_START = 15.0  # seconds
CLOCKS_CAN_BE_SET = find_spec("time_machine") is not None
HOURS_OFF = (-25, -1, 1, 25)


def beats(site: Site) -> Lasting:
    """A second beat."""
    return _beside(site, "beat-2", *CELERY, "beat", "-l", "INFO", "--pidfile=")


def relays(site: Site) -> Lasting:
    """A second relay loop."""
    return _beside(site, "relay-2", "manage.py", "relay", "--skip-checks")


def worker_with_another_clock(site: Site) -> Lasting:
    """A worker whose clock is hours off takes part, then is killed."""
    hours = str(site.dice.choice(HOURS_OFF))
    return _beside(site, "worker-clock", "-m", "chaos.another_clock", hours)


def _beside(site: Site, name: str, *arguments: str) -> Lasting:
    """A fault from the moment at which the process is seen to live."""
    site.stack.keep(site.stack.child(name, *arguments))
    try:
        _wait_for(site, name)
    except BaseException:
        site.stack.keeper.let_go(name)
        raise
    return Lasting(site.seconds(BESIDE), lambda: site.stack.keeper.let_go(name), time.time())


def _wait_for(site: Site, name: str) -> None:
    """Raises LookupError where it does not stay."""
    latest = time.monotonic() + LONGEST_START
    while site.stack.keeper.age(name) < LIVES:
        if time.monotonic() > latest:
            raise LookupError(f"{name} ends as soon as it is started: see its log")
        time.sleep(0.1)
