"""A throwaway PgBouncer in transaction mode, in front of the suite's own PostgreSQL."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.embedded.account import Account
from config.embedded.child import Child

CONFIGURATION = """
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""


def program() -> str | None:
    """Where the system has it, if it does. Debian keeps servers off an ordinary user's path."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@dataclass
class PgBouncer:
    """One pooler, with `size` connections to the server at `behind` (a URL)."""

    folder: Path
    port: int
    behind: str
    account: Account | None
    size: int = 4
    child: Child | None = None

    def url(self) -> str:
        """The same database, through the pooler."""
        server = urlsplit(self.behind)
        login = server.netloc.rpartition("@")[0]
        return server._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()

    def start(self) -> None:
        """Start it and wait until it answers. It strictly refuses what transaction mode cannot."""
        self._write_down()
        command = [program() or "pgbouncer", str(self.folder / "pgbouncer.ini")]
        log = self.folder / "pgbouncer.log"
        self.child = Child("pgbouncer", command, log, account=self.account, folder=self.folder)
        self.child.start()
        latest = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > latest:
                raise TimeoutError(f"PgBouncer does not answer.\n{log.read_text()[-2000:]}")
            time.sleep(0.05)

    def end(self) -> None:
        """Stop it; its clients lose their connections."""
        if self.child is not None:
            self.child.stop(patience=2)

    def _write_down(self) -> None:
        server = urlsplit(self.behind)
        text = CONFIGURATION.format(
            host=server.hostname,
            port=server.port or 5432,
            own=self.port,
            folder=self.folder,
            size=self.size,
        )
        for name, content in (
            ("pgbouncer.ini", text),
            ("users", f'"{server.username}" "{server.password}"\n'),
        ):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(content)
            if self.account is not None:
                self.account.owns(path)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
