"""The limit: PostgreSQL alone on the same rows, driven by its own pgbench."""

import os
import re
import subprocess
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.jobs import ACCOUNTS, BURST
from benchmarks.ledger import Ledger, Sums
from benchmarks.servers import Servers
from benchmarks.work.effects import DEDUCT_FROM

CREDITS = 10_000_000


@dataclass(frozen=True)
class Floor:
    """So many rows in each transaction, from so many clients."""

    name: str
    rows: int
    clients: int
    jobs: int  # in a run of some four seconds
    queued: bool = False  # each job is a row to find, lock and mark, too

    def lay(self, ledger: Ledger, jobs: int) -> None:
        """The accounts, and the queue where there is one."""
        ledger.reset(dict.fromkeys(range(1, ACCOUNTS + 1), CREDITS))
        if self.queued:
            ledger.connection.execute(_LAY, [BURST, ACCOUNTS, jobs])
        ledger.settle()

    def run(self, servers: Servers, jobs: int) -> float:
        """Run pgbench on what was laid. Returns jobs a second."""
        script = servers.folder / f"{self.name}.sql"
        script.write_text(self._script())
        output = self._pgbench(servers, script.name, max(1, jobs // self.rows // self.clients))
        found = re.search(r"tps = ([\d.]+)", output)
        if found is None:
            raise RuntimeError(f"pgbench said: {output}")
        return float(found[1]) * self.rows

    def check(self, ledger: Ledger) -> tuple[int, Sums]:
        """How many jobs there were, and whether the sums were kept."""
        paid, written = ledger.paid_and_written(CREDITS)
        return written, Sums(lost_deductions=abs(written - paid))

    def _script(self) -> str:
        jobs = _QUEUED_JOBS if self.queued else _NEW_JOBS
        jobs = jobs.format(rows=self.rows, accounts=ACCOUNTS, burst=BURST)
        return f"\\set first random(1, {ACCOUNTS})\n{jobs.strip()}{DEDUCT_FROM.rstrip()};\n"

    def _pgbench(self, servers: Servers, script: str, transactions: int) -> str:
        address = urlsplit(servers.database_url)
        command = [
            *(servers.program("pgbench"), "--no-vacuum", "--protocol", "prepared"),
            *("--client", str(self.clients), "--jobs", str(min(2, self.clients))),
            *("--transactions", str(transactions), "--file", script),
            *("--host", "127.0.0.1", "--port", str(address.port), "--username", "postgres"),
            address.path.lstrip("/"),
        ]
        done = subprocess.run(  # noqa: S603 (the command is our own)
            command,
            env={**os.environ, "PGPASSWORD": address.password or ""},
            cwd=servers.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,  # seconds: one that hangs is a failure, and not the end of everything
        )
        return done.stdout + done.stderr


# Bursts for one account in a row, as everybody's jobs have them.
_NEW_JOBS = """
WITH job AS (
    SELECT gen_random_uuid() AS operation, 1 + (:first + place / {burst}) % {accounts} AS account_id
    FROM generate_series(1, {rows}) AS place
)
"""

_QUEUED_JOBS = """
WITH taken AS MATERIALIZED (
    SELECT id, operation, account_id FROM work_queue WHERE NOT done
    ORDER BY id LIMIT {rows} FOR NO KEY UPDATE SKIP LOCKED
), marked AS (
    UPDATE work_queue AS queue SET done = true FROM taken WHERE queue.id = taken.id
), job AS (
    SELECT operation, account_id FROM taken
)
"""

_LAY = """
    INSERT INTO work_queue (operation, account_id)
    SELECT gen_random_uuid(), (n / %s) %% %s + 1 FROM generate_series(1, %s) AS n
"""

FLOORS = [
    Floor("postgres_1", rows=1, clients=8, jobs=30_000),
    Floor("postgres_100", rows=100, clients=2, jobs=550_000),
    Floor("postgres_100_queue", rows=100, clients=2, jobs=270_000, queued=True),
]
