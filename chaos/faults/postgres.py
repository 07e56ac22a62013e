"""What happens to databases: a crash, a crash of one backend, connections that are cut."""

import signal

from chaos import processes
from chaos.faults.site import Site


def kill(site: Site) -> None:
    """kill -9 of the main process; its backends notice and end."""
    processes.end(site.stack.pids()["postgres"])


def stop_immediately(site: Site) -> None:
    """Its immediate shutdown (SIGQUIT): no transaction ends, and the next start recovers."""
    processes.end(site.stack.pids()["postgres"], signal.SIGQUIT)


def kill_backend(site: Site) -> None:
    """kill -9 of one backend: PostgreSQL ends all the others and recovers."""
    backends = site.observer.ask(f"SELECT pid FROM pg_stat_activity WHERE {_OTHERS} ORDER BY 1")  # noqa: S608
    processes.end(site.dice.choice([pid for (pid,) in backends]))


def end_all_connections(site: Site) -> None:
    """Every client's session ends, whatever it is doing: commits lose their replies."""
    ended = site.observer.ask(_END_ALL)
    if not any(was_there for (was_there,) in ended):
        raise LookupError("nobody is connected")


_OTHERS = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
_END_ALL = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OTHERS}"  # noqa: S608
