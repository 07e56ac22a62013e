"""The check after each run sees what is lost, doubled or wrong, and nothing where all is well."""

import threading

from django.db import connection, transaction

from benchmarks import jobs as work
from benchmarks.jobs import Job
from benchmarks.ledger import Ledger, Sums
from benchmarks.work import effects


def lay(ledger: Ledger, count: int = 200) -> tuple[list[Job], dict[int, int]]:
    jobs = work.sequence(count, accounts=20)
    balances = work.credits_for(jobs, accounts=20)
    ledger.reset(balances)
    return jobs, balances


def run_one_by_one(jobs: list[Job]) -> None:
    for job in jobs:
        effects.deduct_guarded(operation=str(job.operation), account_id=job.account_id)


def test_every_manner_keeps_the_sums_alone(ledger: Ledger) -> None:
    for manner in (
        effects.deduct_naive,
        effects.deduct_locked,
        effects.deduct_guarded,
        effects.deduct_raw,
    ):
        jobs, balances = lay(ledger)
        for job in jobs:
            manner(operation=str(job.operation), account_id=job.account_id)
        assert ledger.sums(jobs, balances) == Sums(), manner.__name__


def test_accounts_run_dry_and_refuse(ledger: Ledger) -> None:
    jobs, _ = lay(ledger, 800)
    run_one_by_one(jobs)
    poor = {account for account in range(1, 21) if account % work.POOR == 0}
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT account_id FROM work_entry WHERE amount = 0")
        refused = {account for (account,) in cursor.fetchall()}
    assert refused
    assert refused <= poor


def test_a_lost_job_is_seen(ledger: Ledger) -> None:
    jobs, balances = lay(ledger)
    run_one_by_one(jobs[1:])
    assert ledger.sums(jobs, balances).lost_jobs == 1


def test_a_doubled_job_is_seen(ledger: Ledger) -> None:
    jobs, balances = lay(ledger)
    run_one_by_one([*jobs, jobs[0]])
    assert ledger.sums(jobs, balances).doubled_jobs == 1


def test_a_lost_deduction_is_seen(ledger: Ledger) -> None:
    jobs, balances = lay(ledger)
    run_one_by_one(jobs)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_account SET credits = credits + 1 WHERE id = %s", [1])
    assert ledger.sums(jobs, balances) == Sums(lost_deductions=1)


def test_a_wrong_refusal_is_seen(ledger: Ledger) -> None:
    jobs, balances = lay(ledger)
    run_one_by_one(jobs)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE work_entry SET amount = 0 WHERE id = (SELECT min(id) FROM work_entry"
            " WHERE amount < 0) RETURNING account_id"
        )
        (account,) = cursor.fetchone()
        cursor.execute("UPDATE work_account SET credits = credits + 1 WHERE id = %s", [account])
    assert ledger.sums(jobs, balances) == Sums(wrong_outcomes=1)


def test_batches_at_once_keep_the_sums(ledger: Ledger) -> None:
    """Each thread's batches name the same accounts in another order: none waits for ever."""
    jobs, balances = lay(ledger, 4_000)
    start = threading.Barrier(2)

    def work_off(part: list[Job]) -> None:
        start.wait()
        try:
            for begin in range(0, len(part), 100):
                with transaction.atomic():
                    batch = part[begin : begin + 100]
                    effects.deduct_batch([(job.operation, job.account_id) for job in batch])
        finally:
            connection.close()

    threads = [threading.Thread(target=work_off, args=(jobs[half::2],)) for half in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.sums(jobs, balances) == Sums()


def test_the_rate_leaves_the_first_tenth_out(ledger: Ledger) -> None:
    lay(ledger)
    with connection.cursor() as cursor:
        # A slow start, then a job each millisecond.
        cursor.execute(
            "INSERT INTO work_entry (operation, account_id, amount, at) SELECT gen_random_uuid(),"
            " 1, -1, now() + (CASE WHEN n <= 10 THEN 10 * n ELSE 1000 + n END) * interval '1 ms'"
            " FROM generate_series(1, 1000) AS n"
        )
    assert 990 < ledger.rate() < 1010
