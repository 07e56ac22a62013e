"""A throwaway PgBouncer, in front of the suite's own PostgreSQL and as deploy/scaled sets it up."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.embedded.account import Account
from config.embedded.child import PROJECT, Child

SCRIPT = PROJECT / "deploy" / "scaled" / "pgbouncer.sh"


def program() -> str | None:
    """Where the system has it, if it does. Debian keeps servers off an ordinary user's path."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@dataclass
class PgBouncer:
    """One pooler in transaction mode, with `size` connections to the server at `behind` (a URL)."""

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
        latest = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > latest:
                raise TimeoutError(f"PgBouncer does not answer.\n{log.read_text()[-2000:]}")
            time.sleep(0.05)

    def end(self) -> None:
        """Stop it; its clients lose their connections."""
        if self.child is not None:
            self.child.stop(patience=2)

    def _write_down(self) -> None:
        """What the deployment's script writes, and this test's user besides."""
        server = urlsplit(self.behind)
        environment = {
            "PATH": os.environ["PATH"],
            "PGBOUNCER": "true",  # in place of the program, which runs as another user here
            "FOLDER": str(self.folder),
            "ADDRESS": "127.0.0.1",
            "PORT": str(self.port),
            "POOL_SIZE": str(self.size),
            "DATABASE_HOST": str(server.hostname),
            "DATABASE_PORT": str(server.port or 5432),
            "WEB_DATABASE_PASSWORD": "web",
            "WORKER_DATABASE_PASSWORD": "worker",
        }
        subprocess.run(["sh", str(SCRIPT)], env=environment, check=True)
        with (self.folder / "users").open("a") as users:
            users.write(f'"{server.username}" "{server.password}"\n')
        if self.account is not None:
            for name in ("users", "pgbouncer.ini"):
                self.account.owns(self.folder / name)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
