"""`python -m benchmarks.reconciliation [--messages N] [--json]`: a night in which nothing is wrong.

It starts servers of its own, fills them by a few statements, and runs `manage.py reconcile` as one
process; told are its time, its peak memory, what it looked at and what it found, which is nothing.
The same on an empty database comes first: the difference is what the rows cost.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.machine import describe
from benchmarks.servers import Servers, throwaway

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Night:
    """One run of the command."""

    seconds: float
    peak_memory_mb: float
    findings: int
    checked: dict[str, int]


def main() -> int:
    """Fill, reconcile, tell. Returns 1 where there was a finding: then the night was not one."""
    options = _options()
    with throwaway() as servers:
        environment = os.environ | servers.environment()
        environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        _manage(environment, "migrate", "--verbosity", "0")
        empty = _night(environment)
        _fill(servers, options.messages)
        full = _night(environment)
    _tell(options, empty, full)
    return 1 if full.findings else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser.parse_args()


def _fill(servers: Servers, messages: int) -> None:
    """Half of the messages wait, as many are done, one in a hundred died today.

    For ten messages there is a product, with three changes of its price.
    """
    numbers = {"messages": messages, "products": messages // 10}
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        for statement in _STATEMENTS:
            connection.execute(statement, numbers)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _night(environment: dict[str, str]) -> Night:
    with tempfile.TemporaryFile("w+") as out:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "reconcile", "--json"],
            cwd=PROJECT,
            env=environment,
            stdout=out,
        )
        _, process.returncode, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - began
        out.seek(0)
        told: dict[str, Any] = json.load(out)
    return Night(
        seconds=round(took, 1),
        peak_memory_mb=round(usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 1024), 1),
        findings=len(told["findings"]),
        checked=told["checked"],
    )


def _manage(environment: dict[str, str], *command: str) -> None:
    subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *command], cwd=PROJECT, env=environment, check=True
    )


def _tell(options: argparse.Namespace, empty: Night, full: Night) -> None:
    if options.json:
        result = {"messages": options.messages, "machine": describe()}
        print(json.dumps(result | {"empty": asdict(empty), "full": asdict(full)}))  # noqa: T201
        return
    for name, night in (("empty", empty), (f"{options.messages:,} messages", full)):
        print(  # noqa: T201
            f"{name}: {night.seconds} s, peak memory {night.peak_memory_mb} MB, "
            f"{sum(night.checked.values()):,} rows looked at, {night.findings} findings"
        )
    for check, rows in sorted(full.checked.items()):
        print(f"  {check}: {rows:,} rows")  # noqa: T201


_STATEMENTS = (
    """
    INSERT INTO outbox_message (id, handler, args, state, due_at, operation_id, traceparent,
        attempts, crashes, alone, last_error, created_at, finished_at, worker, task_id)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        'pricing.apply_reduction', '{"reduction_id": "x"}',
        CASE WHEN n %% 100 = 0 THEN 'dead' WHEN n %% 2 = 0 THEN 'pending' ELSE 'done' END,
        now() + n %% 100000 * interval '1 second',
        ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '',
        1, 0, false, '', now() - interval '1 hour',
        CASE WHEN n %% 100 = 0 OR n %% 2 = 1 THEN now() - interval '1 hour' END, '', ''
    FROM generate_series(1, %(messages)s) AS n
    """,
    """
    INSERT INTO pricing_product (sku, name, category, price, floor, version, revision)
    SELECT 'SKU-' || n, 'Product ' || n, 'Category ' || n %% 100, 8, 0, 3, 3
    FROM generate_series(1, %(products)s) AS n
    """,
    """
    INSERT INTO pricing_pricechange (product_id, version, old_price, new_price, cause, actor, at)
    SELECT id, version, CASE WHEN version > 1 THEN 12 - version END, 11 - version,
        CASE WHEN version > 1 THEN 'edit' ELSE 'import' END, 'fill', now()
    FROM (SELECT id FROM pricing_product) AS product, generate_series(1, 3) AS version
    """,
)


if __name__ == "__main__":
    sys.exit(main())
