"""The embedded PostgreSQL: `initdb` once, then the server itself, on loopback with a password.

Other users of the machine can reach loopback, hence the password; there is no socket file.
"""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded import binaries
from config.embedded.account import Account, as_account, reachable_copy
from config.embedded.child import Child

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # A worker that is cut off keeps its row locks until the server notices.
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "60s",
}


@dataclass(frozen=True)
class Postgres:
    """One server: its folder, port and password."""

    place: Path
    port: int
    password: str
    account: Account | None = None
    settings: Mapping[str, str] = field(default_factory=dict)  # on top of SETTINGS

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.place / "postgres"

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Create the data directory; a second call does nothing."""
        if (self.data / "PG_VERSION").exists():
            return
        unfinished = self.place / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._initdb(unfinished)
        unfinished.rename(self.data)  # a killed initdb is never taken for a whole database

    def child(self, log: Path) -> Child:
        """The server process. SIGINT makes it end quickly and cleanly."""
        settings = {**SETTINGS, "port": str(self.port), **self.settings}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return Child(
            name="postgres",
            command=[str(self._programs() / "postgres"), "-D", str(self.data), *options],
            log=log,
            account=self.account,
            stop_signal=signal.SIGINT,
            folder=self.place,
        )

    def wait_until_ready(self, patience: float = 30) -> None:
        """Wait until it answers; raises TimeoutError after `patience` seconds."""
        latest = time.monotonic() + patience
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > latest:
                    raise TimeoutError(f"PostgreSQL does not answer: {error}") from error
            time.sleep(0.03)

    def create_database(self, name: str) -> None:
        """Create a database; a second call does nothing."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _initdb(self, folder: Path) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self.place) as password:
            password.write(self.password)
            password.flush()
            if self.account is not None:
                self.account.owns(Path(password.name))
            done = subprocess.run(  # noqa: S603 (the command is our own)
                [
                    *(str(self._programs() / "initdb"), "-D", str(folder), "-U", "postgres"),
                    *("--auth=scram-sha-256", f"--pwfile={password.name}"),
                    *("-E", "UTF8", "--locale=C", "--no-instructions"),
                ],
                check=False,
                cwd=self.place,
                capture_output=True,
                text=True,
                **as_account(self.account),
            )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")

    def _programs(self) -> Path:
        return reachable_copy(binaries.postgres_programs(), self.place, self.account)
