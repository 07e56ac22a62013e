"""What brokers do: die, forget everything, find their disk full."""

import resource
import signal

import redis

from chaos import processes
from chaos.faults.site import Lasting, Site

WITHOUT_SPACE = 6.0  # seconds
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def kill(site: Site) -> None:
    """kill -9; the supervisor starts it again, with what its file has."""
    processes.send(signal.SIGKILL, site.stack.pids()["broker"])


def flush(site: Site) -> None:
    """FLUSHALL: everything that the broker knew is gone."""
    with redis.Redis.from_url(site.stack.running.broker_url, socket_timeout=2) as broker:
        broker.flushall()


def full_disk(site: Site) -> Lasting:
    """Its append-only file cannot grow: until it can, the broker refuses every write."""
    pid = site.stack.pids()["broker"]
    _limit(pid, (1, resource.RLIM_INFINITY))
    return Lasting(site.seconds(WITHOUT_SPACE), lambda: _limit(pid, UNLIMITED))


def _limit(pid: int, limits: tuple[int, int]) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    except ProcessLookupError:
        return  # it was killed meanwhile, and the next one has no limit
