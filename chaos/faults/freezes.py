"""SIGSTOP, and SIGCONT after every time-out that anybody has for the one who is frozen."""

import signal

from chaos import processes
from chaos.faults.kills import PREFORK, WEBS, WORKERS
from chaos.faults.site import Lasting, Site

BEYOND_DEADLINE = 35.0  # seconds: a handler's transaction is ended after 30
BEYOND_LOCK = 14.0  # the relay's lock is lost after 10
BEYOND_GUNICORN = 35.0  # a web child is replaced after 30 of silence
BEYOND_SOCKET = 8.0  # workers wait 5 for the broker, and as long for a connection to PostgreSQL


def worker(site: Site) -> Lasting:
    """One child of a worker, with what it runs, or a worker with all its children."""
    if site.dice.random() < 0.5:
        children = sorted(processes.descendants(site.stack.pids()[site.dice.choice(PREFORK)]))
        return _stop(site, [site.dice.choice(children)], BEYOND_DEADLINE)
    return _freeze(site, site.dice.choice(WORKERS), BEYOND_DEADLINE)


def relay(site: Site) -> Lasting:
    """The relay loop, perhaps while it has the relays' lock."""
    return _freeze(site, "relay", BEYOND_LOCK)


def beat(site: Site) -> Lasting:
    """Beat, with the lock that keeps other beats waiting."""
    return _freeze(site, "beat", BEYOND_LOCK)


def web(site: Site) -> Lasting:
    """One child of a web server, or all of it: connections are accepted and not answered."""
    name = site.dice.choice(WEBS)
    main = site.stack.pids()[name]
    children = sorted(processes.descendants(main))
    if site.dice.random() < 0.5:
        return _stop(site, [site.dice.choice(children)], BEYOND_GUNICORN)
    return _stop(site, [main, *children], BEYOND_GUNICORN)


def broker(site: Site) -> Lasting:
    """The broker: connections are accepted and nothing answers."""
    return _freeze(site, "broker", BEYOND_SOCKET)


def postgres(site: Site) -> Lasting:
    """PostgreSQL with all its backends, or its main process alone: then no new one comes."""
    main = site.stack.pids()["postgres"]
    everybody = [main, *processes.descendants(main)]
    return _stop(site, everybody if site.dice.random() < 0.5 else [main], BEYOND_SOCKET)


def _freeze(site: Site, name: str, wanted: float) -> Lasting:
    main = site.stack.pids()[name]
    return _stop(site, [main, *processes.descendants(main)], wanted)


def _stop(site: Site, pids: list[int], wanted: float) -> Lasting:
    processes.freeze(*pids)
    return Lasting(site.seconds(wanted), lambda: processes.send(signal.SIGCONT, *pids))
