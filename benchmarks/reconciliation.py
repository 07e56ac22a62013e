"""`python -m benchmarks.reconciliation [--messages N] [--each] [--json]`: a quiet night.

It starts servers of its own, fills them with a shop (`benchmarks.night`), and runs `manage.py
reconcile` as one process; told are its time, its peak memory, what it looked at and what it found,
which is nothing. The same on an empty database comes first: the difference is what the rows cost.

With `--each`, every check that asks no provider runs alone afterwards, too, in its own process.
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
from benchmarks.night import STATEMENTS
from benchmarks.servers import Servers, throwaway

PROJECT = Path(__file__).resolve().parents[1]

ASK_A_PROVIDER = (
    *("credits.list_differs", "credits.sent_is_not_listed"),
    *("orders.payments_differ", "orders.charge_is_unknown_there"),
    *("orders.refund_failed_there", "orders.refund_is_unknown_there"),
)
"""None is set up, and none would know anything of this shop: these look at no rows."""

NO_PROVIDER = {"SANDBOX_URL": "", "STRIPE_API_KEY": "", "TWILIO_ACCOUNT_SID": ""}
SMALLEST = 2000
"""Messages: fewer are less than one community."""


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
        environment = os.environ | servers.environment() | NO_PROVIDER
        environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        _manage(environment, "migrate", "--verbosity", "0")
        empty = _night(environment)
        _fill(servers, options.messages)
        full = _night(environment)
        names = sorted({*full.checked} - {*ASK_A_PROVIDER}) if options.each else []
        alone = {name: _night(environment, "--check", name) for name in names}
    _tell(options, empty, full, alone)
    return 1 if full.findings else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--each", action="store_true", help="each check alone, too")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    if options.messages < SMALLEST:
        parser.error(f"give {SMALLEST} messages at least")
    return options


def _fill(servers: Servers, messages: int) -> None:
    """So many messages, and a shop of that size around them."""
    numbers = {"messages": messages, "products": messages // 10}
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        for statement in STATEMENTS:
            connection.execute(statement, numbers)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _night(environment: dict[str, str], *options: str) -> Night:
    with tempfile.TemporaryFile("w+") as out:
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "manage.py", "reconcile", "--json", *options],
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


def _tell(options: argparse.Namespace, empty: Night, full: Night, alone: dict[str, Night]) -> None:
    if options.json:
        nights = {"empty": asdict(empty), "full": asdict(full)}
        nights["alone"] = {name: asdict(night) for name, night in alone.items()}
        result = {"messages": options.messages, "machine": describe()}
        print(json.dumps(result | nights))  # noqa: T201
        return
    for name, night in (("empty", empty), (f"{options.messages:,} messages", full)):
        print(  # noqa: T201
            f"{name}: {night.seconds} s, peak memory {night.peak_memory_mb} MB, "
            f"{sum(night.checked.values()):,} rows looked at, {night.findings} findings"
        )
    for check, rows in sorted(full.checked.items()):
        told = "asks a provider, and there is none" if check in ASK_A_PROVIDER else f"{rows:,} rows"
        if check in alone:
            told += f"; alone {alone[check].seconds} s, {alone[check].peak_memory_mb} MB"
        print(f"  {check}: {told}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
