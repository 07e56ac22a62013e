"""kill -9, of main processes and of their children."""

from chaos import processes
from chaos.faults.site import Site

WORKERS = ("worker-main", "worker-main-2", "worker-bulk", "worker-bulk-2", "worker-relay")
PREFORK = ("worker-main", "worker-main-2", "worker-relay")
WEBS = ("web", "web-2")


def worker_child(site: Site) -> None:
    """One process of a pool, with what it runs."""
    _kill_child(site, site.dice.choice(PREFORK))


def worker(site: Site) -> None:
    """A worker's main process; its children end with it."""
    _kill(site, site.dice.choice(WORKERS))


def relay(site: Site) -> None:
    """The relay loop; beat's rounds go on."""
    _kill(site, "relay")


def beat(site: Site) -> None:
    """Beat; the relay loop goes on."""
    _kill(site, "beat")


def web(site: Site) -> None:
    """A web server's main process."""
    _kill(site, site.dice.choice(WEBS))


def web_child(site: Site) -> None:
    """One process of a web server, with the requests that it is answering."""
    _kill_child(site, site.dice.choice(WEBS))


def provider(site: Site) -> None:
    """The stand-in for the providers: to us, an outage and replies that are lost."""
    _kill(site, "provider")


def _kill(site: Site, name: str) -> None:
    processes.end(site.stack.pids()[name])


def _kill_child(site: Site, name: str) -> None:
    children = sorted(processes.descendants(site.stack.pids()[name]))
    processes.end(site.dice.choice(children))
