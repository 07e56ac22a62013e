"""The harness from its servers to its files, in a process of its own, at a size that means nothing.

Ours, the naive code and PostgreSQL alone; peers are no part of the tests.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.embedded.child import PROJECT

NAMES = {"ours_batch", "celery_naive", "postgres_100"}


def bench(out: Path, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--size", "tiny", *options, "--out", str(out)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


def test_it_measures_and_writes_both_files(tmp_path: Path) -> None:
    results = bench(tmp_path, "--parts", "drain,growth", "--only", ",".join(NAMES))
    assert set(results["drain"]) == NAMES
    for name in ("ours_batch", "postgres_100"):
        assert results["drain"][name]["sums_kept"], results["drain"][name]
        assert results["drain"][name]["min"] <= results["drain"][name]["median"]
    assert results["drain"]["celery_naive"]["lost_jobs"] == 0
    assert results["growth"]["finished_1000"].keys() == results["growth"]["finished_0"].keys()
    assert results["machine"]["taken"]["drain"]["size"] == "tiny"
    assert "`ours_batch`" in (tmp_path / "README.md").read_text()


def test_the_first_tenth_of_the_latencies_is_left_out_and_its_sums_are_checked(
    tmp_path: Path,
) -> None:
    results = bench(tmp_path, "--parts", "latency")
    assert results["latency"].keys() >= {"ours", "celery_bare", "ours_at_80_percent"}
    for one in results["latency"].values():
        assert one["sums_kept"], one
        assert one["samples"] == one["jobs"] - one["jobs"] // 10
    assert "### Commit → effect" in (tmp_path / "README.md").read_text()
