"""The harness from its servers to its files, in a process of its own, at a size that means nothing.

Ours, the naive code and PostgreSQL alone; peers are no part of the tests.
"""

import json
import subprocess
import sys
from pathlib import Path

from config.embedded.child import PROJECT

NAMES = {"ours_batch", "celery_naive", "postgres_100"}


def test_it_measures_and_writes_both_files(tmp_path: Path) -> None:
    command = ["--size", "tiny", "--parts", "drain,growth", "--only", ",".join(NAMES)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *command, "--out", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert set(results["drain"]) == NAMES
    for name in ("ours_batch", "postgres_100"):
        assert results["drain"][name]["sums_kept"], results["drain"][name]
        assert results["drain"][name]["min"] <= results["drain"][name]["median"]
    assert results["drain"]["celery_naive"]["lost_jobs"] == 0
    assert results["growth"]["finished_1000"].keys() == results["growth"]["finished_0"].keys()
    assert results["machine"]["taken"]["drain"]["size"] == "tiny"
    assert "`ours_batch`" in (tmp_path / "README.md").read_text()
