"""Commands of the documents that would start everything, and the test that runs each elsewhere."""

SUPERVISOR = "tests/platform/test_supervisor.py::"
LIFTED = "tests/lifting/test_a_project_of_two_files.py::test_it_is_whole"
BENCHMARKS = "tests/benchmarks/test_a_tiny_run.py::test_it_measures_and_writes_both_files"
SMALL_CHAOS = "tests/chaos/test_a_small_run.py::test_nothing_is_lost_and_nothing_happens_twice"
CHAOS = ".venv/bin/python manage.py chaos"

#: What is typed, as a shell reads it -> a test, by its path and name.
ELSEWHERE = {
    "make run": SUPERVISOR + "test_everything_runs_and_commands_need_only_the_home",
    "pkill -9 -f celery.*worker-main@": SUPERVISOR + "test_what_is_killed_is_back_within_a_second",
    "make test": "tests/docs/test_commands.py::test_make_test_is_this_very_suite",
    "FULL_SIZE=1 make test ARGS=-k every_misbehaviour": (
        "tests/credits/test_campaigns_with_real_workers.py::test_every_misbehaviour_at_once"
    ),
    "make bench": BENCHMARKS,
    "make bench QUICK=1": BENCHMARKS,
    "python manage.py migrate outbox": LIFTED,
    "python manage.py check": LIFTED,
    "python manage.py relay --once": LIFTED,
    ".venv/bin/python -m sandbox serve --port 18111": (
        "tests/sandbox/test_server.py::test_it_listens_on_loopback_only"
    ),
    f"{CHAOS} --messages 5000 --faults 42 --seed 1 --json > result.json": SMALL_CHAOS,
    f"{CHAOS} --faults 10 --messages 500 --kinds kill_broker kill_worker": SMALL_CHAOS,
    f"{CHAOS} --bug no_lock": "tests/chaos/test_seeded_bugs.py::test_a_claim_without_a_lock",
    f"{CHAOS} --docs result.json": (
        "tests/chaos/test_report.py::test_only_kinds_that_occurred_are_listed"
    ),
}
