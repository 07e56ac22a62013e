"""The harness from its servers to its files, in a process of its own, at a size that means nothing.

Ours, the naive code and PostgreSQL alone; peers are no part of the tests.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.embedded.child import PROJECT

NAMES = {"ours_batch", "celery_naive", "orm_queue_loop", "postgres_100"}


def bench(out: Path, *options: str, ends_with: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--size", "tiny", *options, "--out", str(out)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == ends_with, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


def test_it_measures_and_writes_both_files(tmp_path: Path) -> None:
    results = bench(tmp_path, "--parts", "drain,growth", "--only", ",".join(NAMES))
    assert set(results["drain"]) == NAMES
    for name in NAMES - {"celery_naive"}:
        assert results["drain"][name]["sums_kept"], results["drain"][name]
        assert results["drain"][name]["min"] <= results["drain"][name]["median"]
    if sys.platform != "darwin":
        assert results["drain"]["postgres_100"]["cpu_ms_per_job"]["pgbench"] > 0
    assert results["drain"]["celery_naive"]["lost_jobs"] == 0
    assert results["growth"]["finished_1000"].keys() == results["growth"]["finished_0"].keys()
    assert results["growth"]["pruning"]["rows"] == 3_000
    assert results["growth"]["pruning"]["beside"]["enqueue_ms"] > 0
    assert results["machine"]["taken"]["drain"]["size"] == "tiny"
    assert results["machine"]["taken"]["drain"]["busy_before"] >= 0
    assert "`ours_batch`" in (tmp_path / "README.md").read_text()


def test_the_first_tenth_of_the_latencies_is_left_out_and_its_sums_are_checked(
    tmp_path: Path,
) -> None:
    """A part that fails takes none of the others with it."""
    results = bench(tmp_path, "--parts", "latency,nothing,profile", ends_with=1)
    assert results["latency"].keys() >= {"ours", "celery_bare", "ours_at_80_percent"}
    for one in results["latency"].values():
        assert one["sums_kept"], one
        assert one["samples"] == one["jobs"] - one["jobs"] // 10
    assert {"claim it", "the effect", "mark it done"} <= results["profile"].keys()
    one = results["profile"]["ordinary"]["mark it done"]
    assert 0 < one["python_us"] < one["wall_us"]
    assert one["after_20_ms_wall_us"] > 0
    written = (tmp_path / "README.md").read_text()
    assert "### Commit → effect" in written
    assert "### An ordinary message, by statement" in written


def test_what_is_enqueued_and_drained_together_keeps_the_sums(tmp_path: Path) -> None:
    results = bench(tmp_path, "--parts", "enqueue,sustained,backlog")
    for one in [*results["sustained"].values(), *results["backlog"].values()]:
        assert one["sums_kept"], one
    for process in ("worker", "relay", "postgres", "valkey"):
        assert results["backlog"]["large"][f"{process}_mb"] > 0 or sys.platform == "darwin"
    written = (tmp_path / "README.md").read_text()
    assert "The narrow place:" in written or sys.platform == "darwin"
    assert "`enqueue_and_dispatch_each` / a plain ORM INSERT" in written
