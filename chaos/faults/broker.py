"""What brokers do: die, forget everything, find their disk full."""

import shutil
import subprocess

import redis

from chaos import processes
from chaos.faults.site import Lasting, Site
from config.embedded import account

WITHOUT_SPACE = 6.0  # seconds
PRLIMIT = shutil.which("prlimit")  # util-linux: on Linux alone can one limit another's files


def kill(site: Site) -> None:
    """kill -9; the supervisor starts it again, with what its file has."""
    processes.end(site.stack.pids()["broker"])


def flush(site: Site) -> None:
    """FLUSHALL: everything that the broker knew is gone."""
    with redis.Redis.from_url(site.stack.running.broker_url, socket_timeout=2) as broker:
        broker.flushall()


def full_disk(site: Site) -> Lasting:
    """Its append-only file cannot grow: until it can, the broker refuses every write."""
    pid = site.stack.pids()["broker"]
    _limit(pid, "1")
    if not processes.is_alive(pid):
        raise LookupError("the broker has just died")
    return Lasting(site.seconds(WITHOUT_SPACE), lambda: _lift(pid))


def _lift(pid: int) -> None:
    """It may have been killed meanwhile; the next one has no limit."""
    if processes.is_alive(pid):
        try:
            _limit(pid, "unlimited")
        except OSError:
            if processes.is_alive(pid):
                raise


def _limit(pid: int, size: str) -> None:
    """Set the soft limit, as the user whose process it is. Raises OSError."""
    done = subprocess.run(  # noqa: S603
        [str(PRLIMIT), "--pid", str(pid), f"--fsize={size}:"],
        capture_output=True,
        text=True,
        check=False,
        **account.as_account(account.for_servers()),
    )
    if done.returncode != 0:
        raise OSError(done.stderr.strip())
