"""`benchmarks.reconciliation` at its smallest: every check has rows, and all of them are well."""

import json
import subprocess
import sys

from benchmarks.reconciliation import ASK_A_PROVIDER, SMALLEST
from config.embedded.child import PROJECT


def test_every_check_that_asks_nobody_sees_rows_and_none_finds_anything() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reconciliation", "--messages", str(SMALLEST), "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    night = json.loads(done.stdout)["full"]
    assert night["findings"] == 0
    blind = {check for check, rows in night["checked"].items() if rows == 0}
    assert blind == set(ASK_A_PROVIDER)
