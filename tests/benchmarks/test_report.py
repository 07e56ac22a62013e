"""The README says what results.json says, and judges no goal that was not measured."""

import json
from math import exp, inf
from pathlib import Path
from typing import Any

import pytest

from benchmarks import goals, queueing, report
from benchmarks import jobs as work


def drained(median: float, *, lost: int = 0) -> dict[str, Any]:
    return {
        "median": median,
        "min": median - 1,
        "max": median + 1,
        "sums_kept": not lost,
        "lost_jobs": 0,
        "doubled_jobs": 0,
        "lost_deductions": lost,
        "wrong_outcomes": 0,
        "jobs": 900,
        "runs": 3,
        "cpu_ms_per_job": {"worker": 1.5},
        "others_used": 0.02,
    }


KNOWN: dict[str, Any] = {
    "drain": {"ours_batch": drained(20_000), "celery_naive": drained(300, lost=77)},
    "machine": {
        "cores": 2,
        "processor": "a",
        "memory_gb": 4.0,
        "system": "Linux",
        "python": "3.11",
        "taken": {
            "drain": {
                "at": "2026-01-01T00:00:00+00:00",
                "seconds": 60,
                "size": "quick",
                "load_before": 0.1,
                "load_after": 2.0,
            }
        },
    },
}


@pytest.fixture
def written(tmp_path: Path) -> str:
    (tmp_path / "results.json").write_text(json.dumps(KNOWN))
    report.write(tmp_path)
    return (tmp_path / "README.md").read_text()


def test_a_peer_that_lost_is_shown_with_how_many(written: str) -> None:
    assert "77 lost deductions of 900" in written


def test_the_conditions_are_told(written: str) -> None:
    assert "2 cores" in written
    assert "| drain | 2026-01-01T00:00:00+00:00 | quick |" in written


def test_written_again_it_stays_the_same(written: str, tmp_path: Path) -> None:
    report.write(tmp_path)
    assert (tmp_path / "README.md").read_text() == written


def test_only_measured_goals_are_judged() -> None:
    assert [goal.verdict for goal in goals.of(KNOWN)] == ["reached"]


def test_a_missed_goal_is_called_missed() -> None:
    known = {"drain": {"ours_batch": drained(100), "celery_naive": drained(300)}}
    assert [goal.verdict for goal in goals.of(known)] == ["**not reached**"]


def test_a_missed_goal_says_what_the_effect_comes_to_without_any_queue() -> None:
    names = {"ours_batch": 100, "celery_naive": 300, "batch_loop": 600}
    known = {"drain": {name: drained(median) for name, median in names.items()}}
    (goal,) = goals.of(known)
    assert "`batch_loop`, without any queue, comes to 2.00" in goal.why


def test_a_missed_goal_says_what_a_lean_queue_comes_to() -> None:
    names = {"ours_single": 100, "huey": 200, "orm_loop": 400, "orm_queue_loop": 250}
    known = {"drain": {name: drained(median) for name, median in names.items()}}
    (goal,) = goals.of(known)
    assert "`orm_loop`, without any queue, comes to 2.00. `orm_queue_loop`, a lean" in goal.why
    assert "comes to 1.25. CPU ms a job: `orm_loop`" in goal.why


def test_a_queue_of_one_server_is_the_textbooks() -> None:
    """M/M/1: the chance to wait longer than t is rho * exp(-(mu - lambda) * t)."""
    wait = queueing.late_wait(rate=80, seconds=0.01, servers=1)
    assert 0.8 * exp(-20 * wait) == pytest.approx(0.01)


def test_a_queue_of_two_servers_is_shorter_and_one_that_is_too_slow_has_no_end() -> None:
    """M/M/2 at half its capacity: one in three waits."""
    wait = queueing.late_wait(rate=100, seconds=0.01, servers=2)
    assert exp(-100 * wait) / 3 == pytest.approx(0.01)
    assert queueing.late_wait(rate=1, seconds=0.01, servers=2) == 0
    assert queueing.late_wait(rate=200, seconds=0.01, servers=2) == inf


def test_a_late_hundredth_under_load_is_told_beside_how_full_the_cores_are() -> None:
    loaded = {"p99_ms": 129.0, "jobs_per_second": 247.0, "cpu_ms_per_job": {"worker": 7.2}}
    known = {"latency": {"ours_at_80_percent": loaded}, "machine": {"cores": 2}}
    (goal,) = goals.of(known)
    assert "busy for 89% of the time" in goal.why
    assert "one in a hundred would wait 144 ms" in goal.why


def test_under_load_the_rounds_are_judged_each_at_its_own_rate() -> None:
    rounds = [
        {"p99_ms": p99, "jobs_per_second": rate}
        for p99, rate in ((900.0, 300.0), (40.0, 310.0), (30.0, 250.0))
    ]
    loaded = {"p99_ms": 700.0, "jobs_per_second": 287.0, "rounds": rounds}
    (goal,) = goals.of({"latency": {"ours_at_80_percent": loaded}})
    assert goal.measured == "40.00 (30.00-900.00; at 300, 310, 250 a second)"
    assert goal.reached


def test_a_ratio_is_the_median_of_the_rounds_own_with_its_spread() -> None:
    """The machine was half as fast in the second round: that is nobody's merit."""
    rates = {"ours_batch": [100.0, 60.0, 110.0], "celery_naive": [2.0, 1.0, 2.0]}
    known = {name: drained(2) | {"rates": each} for name, each in rates.items()}
    (goal,) = goals.of({"drain": known})
    assert goal.measured.startswith("55.00 (50.00-60.00; by CPU a job ")
    assert goal.reached


def test_latencies_of_a_round_are_compared_with_that_round() -> None:
    latency = {
        name: {
            "p50_ms": 9.0,
            "p99_ms": 20.0,
            "rounds": [{"p50_ms": p50, "p99_ms": 20.0} for p50 in each],
        }
        for name, each in {"ours": (6.0, 12.0, 8.0), "celery_bare": (5.0, 12.0, 8.0)}.items()
    }
    median, _ = goals.of({"latency": latency})
    assert median.measured == "1.00 (1.00-1.20; 9.0 / 9.0 ms)"


def test_one_statement_is_judged_beside_one_statement() -> None:
    names = ("ours_single", "ours_single_raw", "dbos", "celery_guarded_raw", "rq")
    texts = [goal.text for goal in goals.of({"drain": {name: drained(100) for name in names}})]
    assert texts == [
        "drain: `ours_single` / `rq`",
        "drain: `ours_single_raw` / `celery_guarded_raw`",
        "drain: `ours_single_raw` / `dbos`",
    ]


def test_the_dispatch_is_judged_as_well() -> None:
    enqueue = {
        "ratio_to_plain_insert": 1.0,
        "ratio_with_dispatch": 1.3,
        "ratio_with_a_dispatch_each": 2.5,
        "celery_publish": {"ms": 1.2},
    }
    each = list(goals.of({"enqueue": enqueue}))
    assert [goal.reached for goal in each] == [True, True, False]
    assert "`celery_publish` 1.20" in each[-1].why


@pytest.mark.parametrize(
    ("cores_used", "place"), [(1.9, "the 2 cores that all share"), (0.8, "none of the processors")]
)
def test_a_sustained_rate_says_where_it_is_narrow(cores_used: float, place: str) -> None:
    run = {
        "enqueued_per_second": 500.0,
        "done_per_second": 300.0,
        "cores": 2,
        "cores_used": cores_used,
        "others_used": 0.01,
        "worker_cpu_ms": 1.5,
        "relay_cpu_ms": 0.0,
        "web_cpu_ms": 2.5,
    }
    goal, share = goals.of({"sustained": {"a web request per job": run}})
    assert not goal.reached
    assert share.measured == "0.60 (`web`)"
    assert share.reached
    assert "worker 1.5, web 2.5; together 4, so 2 cores allow 500 a second" in goal.why
    assert place in goal.why


def test_where_they_ask_as_fast_as_they_can_nobodys_share_is_judged() -> None:
    run = {"enqueued_per_second": 5.0, "done_per_second": 5.0, "worker_cpu_ms": 2, "web_cpu_ms": 1}
    names = ("a web request per job", "a web request per job, as fast as they can")
    found = [goals.of({"sustained": {name: run}}) for name in names]
    assert [len(each) for each in found] == [2, 1]
    assert not found[0][1].reached


def test_a_goal_tells_how_busy_the_machine_was(written: str) -> None:
    assert "| reached |  | 0.1 → 2.0 |" in written


@pytest.mark.parametrize(("busy", "told"), [(0.4, True), (0.1, False)])
def test_a_missed_goal_tells_whether_others_were_at_work_when_it_began(
    busy: float, told: bool, tmp_path: Path
) -> None:
    """A load average of nine is what the part before has left behind."""
    taken = {**KNOWN["machine"]["taken"]["drain"], "busy_before": busy, "load_before": 9.0}
    known = {
        "drain": {"ours_batch": drained(100), "celery_naive": drained(300)},
        "machine": {**KNOWN["machine"], "taken": {"drain": taken}},
    }
    (tmp_path / "results.json").write_text(json.dumps(known))
    report.write(tmp_path)
    assert ("Others kept the machine busy" in (tmp_path / "README.md").read_text()) is told


def test_jobs_come_in_bursts_and_the_same_each_time() -> None:
    accounts = [job.account_id for job in work.sequence(100)]
    assert accounts == [job.account_id for job in work.sequence(100)]
    assert all(len(set(accounts[start : start + work.BURST])) == 1 for start in range(0, 100, 20))
