"""The benchmark's own PostgreSQL and Valkey: thrown away afterwards, durable while they live.

`fsync` and `synchronous_commit` are on, as anywhere else; a benchmark without them measures memory.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from config.embedded import account, binaries
from config.embedded.child import Child
from config.embedded.ports import free_port
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey

DATABASE = "bench"
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "track_commit_timestamp": "on",  # the clock of the latencies: the server's own, at each commit
    "shared_buffers": "512MB",
    "max_connections": "300",
    "idle_in_transaction_session_timeout": "0",  # growth is timed beside an open transaction
    # A checkpoint is made before every run, and none falls into one and spares another.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


@dataclass(frozen=True)
class Servers:
    """Both, running."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    processes: dict[str, Child]

    @property
    def database_url(self) -> str:
        """Of the benchmark's database."""
        return self.postgres.url(DATABASE)

    def environment(self) -> dict[str, str]:
        """What the project's settings want to know, in the harness and in all that it starts."""
        return {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.valkey.url(),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ALLOWED_HOSTS": "127.0.0.1",
            "HTTPS": "false",
            "LOG_LEVEL": "WARNING",
            "ONCEPROOF_HOME": str(self.folder / "home"),
        }

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's own programs, such as pgbench."""
        return str(binaries.postgres_programs().folder / name)

    def assert_durable(self) -> None:
        """Raise RuntimeError unless a commit waits for the disk: figures without it are void."""
        with psycopg.connect(self.database_url) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                (value,) = connection.execute(f"SHOW {name}").fetchone() or ("?",)
                if value != "on":
                    raise RuntimeError(f"{name} is {value}, not on.")


@contextmanager
def throwaway(**settings: str) -> Iterator[Servers]:
    """Start both in a folder of their own and remove it at the end, whatever happens inside."""
    folder = Path(tempfile.mkdtemp(prefix="onceproof-bench-", dir=_roomy()))
    folder.chmod(0o711)  # PostgreSQL's user may pass through, nobody may look in
    runs_as = account.for_servers()
    place, password = account.place_for(folder, runs_as), secrets.token_hex(12)
    postgres = Postgres(place, free_port(), password, runs_as, SETTINGS | settings)
    valkey = Valkey(place, free_port(), password, runs_as)
    processes: dict[str, Child] = {}
    try:
        for name, server in (("postgres", postgres), ("valkey", valkey)):
            server.initialise()
            processes[name] = server.child(folder / f"{name}.log")
            processes[name].start()
        postgres.wait_until_ready()
        valkey.wait_until_ready()
        postgres.create_database(DATABASE)
        servers = Servers(folder, postgres, valkey, processes)
        servers.assert_durable()
        yield servers
    finally:
        for child in reversed(processes.values()):
            child.stop(patience=10)
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _roomy() -> str | None:
    """A disk rather than memory: in many places /tmp is a tmpfs, where fsync costs nothing."""
    return os.environ.get("BENCH_FOLDER") or ("/var/tmp" if Path("/var/tmp").is_dir() else None)  # noqa: S108
