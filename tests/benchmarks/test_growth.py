"""What is timed beside an open transaction is timed beside what workers leave there, and judged."""

from types import SimpleNamespace
from typing import Any

from django.db import connection

from benchmarks import goals, growth
from benchmarks.ledger import Ledger

GROWN = ("claim_500", "empty_poll", "enqueue", "relay_count")
FROM_THE_START = ("claim_500_from_the_start", "empty_poll_from_the_start")


def test_records_of_runs_are_left_behind_as_well(ledger: Ledger) -> None:
    """One for each 32 messages: what a look at the records has to pass."""
    track: Any = SimpleNamespace(ledger=ledger)
    with connection.cursor() as cursor, ledger.another() as old:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1")
        growth._drain_in_sql(track, 2_000)
        cursor.execute("SELECT count(*) FROM outbox_run")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("VACUUM (ANALYZE) outbox_run")
        cursor.execute("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox_run'")
        (dead,) = cursor.fetchone()
    assert dead == 64


def test_looks_from_the_start_are_judged_as_well() -> None:
    before = {f"{name}_ms": 1.0 for name in (*GROWN, *FROM_THE_START)}
    after = before | {f"{name}_ms": 90.0 for name in (*FROM_THE_START, "relay_count")}
    opened = {"before": before, "after": after, "drained": 9, "largest_ratio": after}
    grown = {"finished_0": before, "largest_ratio": before, "open_transaction": opened}
    judged = [goal for goal in goals.of({"growth": grown}) if "open transaction" in goal.text]
    assert [goal.reached for goal in judged] == [True, True, False, False, False]
    assert all("every look from the start" in goal.why for goal in judged if not goal.reached)


def test_what_pruning_beside_costs_is_judged() -> None:
    before = {f"{name}_ms": 1.0 for name in (*GROWN, *FROM_THE_START)}
    opened = {"before": before, "after": before, "drained": 9, "largest_ratio": before}
    beside = {"claim_500_longest_ms": 30.0, "enqueue_longest_ms": 4.0}
    pruning = {"beside": beside, "ratio": {"claim_500_ms": 1.6, "enqueue_ms": 1.2}, "rows": 9_000}
    grown = {"finished_0": before, "largest_ratio": before, "open_transaction": opened}
    claim, enqueue = goals.of({"growth": grown | {"pruning": pruning}})[-2:]
    assert claim.text == "claim 500 while 9,000 rows are pruned / before"
    assert (claim.measured, claim.reached) == ("1.60 (the longest 30 ms)", False)
    assert "share the cores" in claim.why
    assert enqueue.reached
