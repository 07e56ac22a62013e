"""The tables before a run, its progress, and the check of the sums after it."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.jobs import Job

SCHEMA = Path(__file__).parent / "work" / "schema.sql"
WARM_UP = 0.1
"""The share of a run that is not timed: first imports, first plans, first pages."""


@dataclass(frozen=True)
class Sums:
    """What the tables say after a run, against what they must say. All zero: the sums are kept."""

    lost_jobs: int = 0  # never ran: no entry
    doubled_jobs: int = 0  # entries beyond one for a job
    lost_deductions: int = 0  # entries that say -1 while the credit is still there
    wrong_outcomes: int = 0  # refused though there was credit, or paid from nothing

    @property
    def kept(self) -> bool:
        """Whether nothing is wrong."""
        return self == Sums()

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.lost_jobs + other.lost_jobs,
            self.doubled_jobs + other.doubled_jobs,
            self.lost_deductions + other.lost_deductions,
            self.wrong_outcomes + other.wrong_outcomes,
        )


class Ledger:
    """The benchmark's tables, seen through a connection of the harness's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)

    def another(self) -> psycopg.Connection[Any]:
        """One more connection, for a transaction that stays open."""
        return psycopg.connect(self.url, autocommit=True)

    def create(self) -> None:
        """Make the tables; a second call changes nothing."""
        self.connection.execute(SCHEMA.read_text(encoding="utf-8"))

    def reset(self, balances: dict[int, int]) -> None:
        """Empty them, and the outbox's, and give each account its credits."""
        self.connection.execute("SET lock_timeout = '30s'")
        self.connection.execute(
            "TRUNCATE work_account, work_request, work_entry, work_queue RESTART IDENTITY"
        )
        self.connection.execute("TRUNCATE outbox_message, outbox_run, outbox_event CASCADE")
        with self.connection.cursor() as cursor:
            cursor.executemany("INSERT INTO work_account VALUES (%s, %s)", list(balances.items()))

    def settle(self) -> None:
        """Before a run: statistics of all tables, those of the peers included, nothing left of
        what was done before, and a checkpoint, so that none falls into the run.
        """
        self.connection.execute("VACUUM ANALYZE")
        self.connection.execute("CHECKPOINT")

    def begun(self) -> int:
        """How many entries were begun: cheap to ask, at most a few ahead of the committed ones."""
        last, called = self._row("SELECT last_value, is_called FROM work_entry_id_seq")
        return int(last) if called else 0

    def written(self) -> int:
        """How many entries are committed."""
        (count,) = self._row("SELECT count(*) FROM work_entry")
        return int(count)

    def open_transactions(self) -> int:
        """How many others are in a transaction in this database."""
        (count,) = self._row(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'"
        )
        return int(count)

    @contextmanager
    def clients_gone(self, patience: float = 5) -> Iterator[None]:
        """Left once those who have connected inside are gone: then PostgreSQL's own CPU time has
        all of theirs. Waits so many seconds at most.
        """
        before = self._clients()
        yield
        latest = time.monotonic() + patience
        while self._clients() - before and time.monotonic() < latest:
            time.sleep(0.005)

    def _clients(self) -> set[int]:
        rows = self.connection.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        return {int(pid) for (pid,) in rows}

    def rate(self) -> float:
        """Jobs a second between the first tenth and the last, by the server's clock."""
        rate = self._row(
            """
            SELECT count(*) FILTER (WHERE at > warm)
                   / nullif(extract(epoch FROM max(at) - min(warm)), 0)
            FROM work_entry, (
                SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY at) AS warm FROM work_entry
            ) AS first_tenth
            """,
            [WARM_UP],
        )[0]
        return float(rate or 0)

    def rates_together(self) -> tuple[float, float]:
        """Requests and entries a second between the first tenth of the requests and the last one,
        by the server's own commit stamps: while both went on.
        """
        self._know_the_rows()
        requests, entries = self._row(
            """
            WITH request AS (
                SELECT pg_xact_commit_timestamp(xmin) AS at FROM work_request
            ), span AS (
                SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY at) AS warm, max(at) AS last
                FROM request
            ), seconds AS (
                SELECT nullif(extract(epoch FROM last - warm), 0) AS passed FROM span
            )
            SELECT (SELECT count(*) FROM request, span WHERE at > warm) / passed,
                   (SELECT count(*) FROM work_entry, span
                    WHERE pg_xact_commit_timestamp(work_entry.xmin) > warm
                      AND pg_xact_commit_timestamp(work_entry.xmin) <= last) / passed
            FROM seconds
            """,
            [WARM_UP],
        )
        return float(requests or 0), float(entries or 0)

    def sums(self, jobs: list[Job], balances: dict[int, int]) -> Sums:
        """Compare every job and every account with what exactly once means."""
        entries = self.connection.execute(
            "SELECT operation, account_id, amount FROM work_entry"
        ).fetchall()
        left: dict[int, int] = dict(
            self.connection.execute("SELECT id, credits FROM work_account").fetchall()
        )
        times = Counter(operation for operation, _, _ in entries)
        paid = Counter[int]()
        for _, account_id, amount in entries:
            paid[account_id] -= amount
        wanted = Counter(job.account_id for job in jobs)
        asked = {job.operation for job in jobs}
        return Sums(
            lost_jobs=len(asked - set(times)),
            doubled_jobs=sum(times.values()) - len(times),
            lost_deductions=sum(
                abs(paid[account] - (balances[account] - left[account])) for account in balances
            ),
            wrong_outcomes=sum(
                abs(paid[account] - min(wanted[account], balances[account])) for account in balances
            ),
        )

    def paid_and_written(self, balance: int) -> tuple[int, int]:
        """How many credits are gone, where each account began with `balance`; how many entries."""
        paid, written = self._row(
            "SELECT (SELECT sum(%s - credits) FROM work_account), count(*) FROM work_entry",
            [balance],
        )
        return int(paid), int(written)

    def latencies(self) -> list[float]:
        """Milliseconds from each request's commit to its effect's, by the server's own stamps.

        In order; without those of the first tenth of the requests.
        """
        self._know_the_rows()
        rows = self.connection.execute(
            """
            SELECT 1000 * extract(epoch FROM pg_xact_commit_timestamp(entry.xmin)
                                           - pg_xact_commit_timestamp(request.xmin))
            FROM work_entry AS entry JOIN work_request AS request ON request.id = entry.operation
            ORDER BY pg_xact_commit_timestamp(request.xmin)
            """
        ).fetchall()
        return sorted(float(milliseconds) for (milliseconds,) in rows[int(WARM_UP * len(rows)) :])

    def _know_the_rows(self) -> None:
        """`settle` found the tables empty: by that, a join of what a run wrote takes minutes."""
        self.connection.execute("ANALYZE work_entry, work_request")

    def _row(self, query: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
        row = self.connection.execute(query, parameters).fetchone()
        if row is None:
            raise RuntimeError("no row")
        return tuple(row)
