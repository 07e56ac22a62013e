"""The explorer finds what threads meet by luck, and proves what holds."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F

from races.explorer import NotProven, NotRefuted, Race, point
from races.models import Account, Effect, Receipt
from races.scenarios import one_credit_is_spent_once as credit


def two_accounts() -> None:
    Account.objects.create(pk=1, credits=0)
    Account.objects.create(pk=2, credits=0)


def adds_in(*order: int) -> Callable[[], None]:
    def add() -> None:
        with transaction.atomic():
            for pk in order:
                Account.objects.filter(pk=pk).update(credits=F("credits") + 1)

    return add


def both_added() -> None:
    assert list(Account.objects.values_list("credits", flat=True)) == [2, 2]


def test_a_refutation_draws_the_shortest_schedule(race: Race) -> None:
    verdict = race.refutes(
        credit.read_check_save, credit.read_check_save, setup=credit.setup, check=credit.check
    )
    violation = verdict.violations[0]
    assert violation.message == "2 texts sent on 1 credit (credits left: 0)"
    assert violation.schedule == "A*1 B*3 A*2"  # one preemption is enough
    drawn = str(violation)
    assert "UPDATE races_account SET credits = 0" in drawn
    assert drawn.splitlines()[2].split("|")[1:] == [f" {'A':<46} ", " B"]


def test_a_proof_wants_every_schedule_to_hold(race: Race) -> None:
    with pytest.raises(NotProven, match="INVARIANT BROKEN: 2 texts sent"):
        race.proves(
            credit.read_check_save, credit.read_check_save, setup=credit.setup, check=credit.check
        )


def test_a_refutation_of_what_holds_fails(race: Race) -> None:
    with pytest.raises(NotRefuted, match=r"holds in .* complete"):
        race.refutes(credit.row_lock, credit.row_lock, setup=credit.setup, check=credit.check)


def test_workers_that_never_meet_prove_nothing(race: Race) -> None:
    with pytest.raises(NotProven, match="never meet"):
        race.proves(lambda: None, lambda: None, check=lambda: None)


def test_a_bounded_search_is_never_called_a_proof(race: Race) -> None:
    jobs = (credit.version_column, credit.version_column)
    with pytest.raises(NotProven, match=r"bounded \(1 preemptions\), not proven"):
        race.proves(*jobs, setup=credit.setup, check=credit.check, bound=1)
    verdict = race.holds_within(1, *jobs, setup=credit.setup, check=credit.check)
    assert not verdict.complete


def test_crossed_locks_end_in_postgresqls_own_deadlock_error(race: Race) -> None:
    verdict = race.refutes(adds_in(1, 2), adds_in(2, 1), setup=two_accounts, check=both_added)
    assert "deadlock detected" in verdict.violations[0].message


def test_either_may_be_the_deadlocks_victim(race: Race) -> None:
    victims = set()

    def note(outcomes: list) -> None:
        victims.update(each.worker for each in outcomes if each.error)

    race.proves(adds_in(1, 2), adds_in(2, 1), setup=two_accounts, check=note,
                expects=(OperationalError,))  # fmt: skip
    assert victims == {"A", "B"}


def test_waiters_that_one_commit_frees_wake_in_every_order(race: Race) -> None:
    firsts = set()

    def insert(name: str) -> Callable[[], None]:
        def job() -> None:
            with transaction.atomic():
                if Receipt.objects.bulk_create([Receipt(operation="x")], ignore_conflicts=True):
                    Effect.objects.create(operation=name)
                if name == "first":
                    transaction.set_rollback(True)

        return job

    def note() -> None:
        names = list(Effect.objects.order_by("pk").values_list("operation", flat=True))
        firsts.add(names[0])

    verdict = race.ask(insert("first"), insert("b"), insert("c"), check=note)
    assert firsts == {"b", "c"}
    assert verdict.complete


def test_a_killed_process_leaves_nothing_and_its_job_comes_again(race: Race) -> None:
    verdict = race.proves(credit.guarded_update, credit.guarded_update,
                          setup=credit.setup, check=credit.check, kills=1)  # fmt: skip
    assert verdict.crash_points >= 4


def test_a_death_lets_go_of_what_its_session_held(race: Race) -> None:
    """No transaction was open, and yet others can notice: a session's lock is free."""
    seen = set()

    def hold_and_mark() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7)")
            Effect.objects.create(operation="held")
            cursor.execute("SELECT pg_advisory_lock(8)")
            cursor.execute("DELETE FROM races_effect")
            cursor.execute("SELECT pg_advisory_unlock(7)")

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(7), count(*) FROM races_effect")
            seen.add(cursor.fetchone())
            cursor.execute("SELECT pg_advisory_unlock_all()")

    race.ask(hold_and_mark, look, setup=credit.setup, check=lambda: None, kills=1,
             comes_again=lambda worker: False)  # fmt: skip
    assert seen == {(True, 0), (False, 0), (False, 1), (True, 1)}


def test_a_job_that_never_comes_again_may_die_before_its_first_step(race: Race) -> None:
    left = set()

    def spend() -> None:
        Account.objects.filter(pk=1).update(credits=F("credits") - 1)

    def look() -> None:
        Account.objects.get(pk=1)

    def note() -> None:
        left.add(Account.objects.get(pk=1).credits)

    race.ask(spend, look, setup=credit.setup, check=note, kills=1,
             comes_again=lambda worker: False)  # fmt: skip
    assert left == {0, 1}


def test_deaths_may_have_a_bound_of_their_own(race: Race) -> None:
    """Every schedule of the living, and each death: less than a proof, and said so."""
    asked = {"setup": credit.setup, "check": credit.check}
    living = race.proves(credit.guarded_update, credit.guarded_update, **asked)
    verdict = race.ask(
        credit.guarded_update, credit.guarded_update, kills=1, deaths_within=0, **asked
    )
    assert verdict.schedules > living.schedules
    assert verdict.crash_points >= 4
    assert (verdict.complete, verdict.bound, verdict.deaths_within) == (False, None, 0)
    within = race.ask(
        credit.version_column, credit.version_column, kills=1, bound=1, deaths_within=0, **asked
    )
    assert "bounded (1 preemptions, 0 beside a death), not proven" in within.in_words


def test_a_death_within_its_bound_is_found(race: Race) -> None:
    def half() -> None:
        Account.objects.filter(pk=1).update(credits=F("credits") - 1)
        Account.objects.filter(pk=1).update(credits=F("credits") + 1)

    def check() -> None:
        assert Account.objects.get(pk=1).credits == 1, "half of it was done"

    with pytest.raises(NotProven, match="half of it was done"):
        race.ask(half, half, setup=credit.setup, check=check, kills=1, deaths_within=0)


def test_a_kill_between_two_commits_is_found(race: Race) -> None:
    def pay_then_note() -> None:
        if not Account.objects.filter(pk=1, credits__gt=0).update(credits=F("credits") - 1):
            return
        point("call the gateway", "gateway")
        Effect.objects.create(operation="text")

    def check() -> None:
        account = Account.objects.get(pk=1)
        assert Effect.objects.count() == 1 - account.credits, "paid without a text"

    verdict = race.refutes(pay_then_note, pay_then_note, setup=credit.setup, check=check, kills=1)
    assert "kill:" in verdict.violations[0].schedule
    assert "killed before:" in str(verdict.violations[0]).replace("\n", " ")


def test_an_act_of_the_environment_happens_at_every_moment(race: Race) -> None:
    seen = set()

    def read_twice() -> tuple[int, int]:
        return (Account.objects.get(pk=1).credits, Account.objects.get(pk=1).credits)

    def rise() -> None:
        Account.objects.filter(pk=1).update(credits=9)

    def note(outcomes: list) -> None:
        seen.update(each.value for each in outcomes if each.worker in "AB")

    race.proves(read_twice, read_twice, setup=credit.setup, check=note, environment={"rise": rise})
    assert seen == {(1, 1), (1, 9), (9, 9)}


def test_whoever_waits_for_a_lock_that_is_never_released_is_told(race: Race) -> None:
    def locks_and_forgets() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7)")

    verdict = race.refutes(locks_and_forgets, locks_and_forgets, check=lambda: None)
    assert "B waits for ever" in verdict.violations[0].message


def test_a_found_schedule_is_found_again_a_hundred_times(race: Race) -> None:
    jobs = (credit.read_check_save_in_a_transaction,) * 2
    found = race.refutes(*jobs, setup=credit.setup, check=credit.check).violations[0]
    for _ in range(100):
        again = race.replays(found.schedule, *jobs, setup=credit.setup, check=credit.check)
        assert [each.message for each in again.violations] == [found.message]
        assert again.violations[0].moments == found.moments


def test_three_workers(race: Race) -> None:
    verdict = race.proves(*(credit.row_lock,) * 3, setup=credit.setup, check=credit.check)
    assert verdict.workers == 3
    race.refutes(*(credit.read_check_save_in_a_transaction,) * 3,
                 setup=credit.setup, check=credit.check)  # fmt: skip


def test_a_run_that_is_given_up_in_a_savepoint_leaves_no_lock_behind(race: Race) -> None:
    """Its backend rolls back and stays: one that is cut off lets its row locks go some time later,
    and a SKIP LOCKED of the next run would meet them."""

    def nested(*order: int) -> Callable[[], None]:
        def add() -> None:
            with transaction.atomic():
                adds_in(*order)()

        return add

    jobs = [nested(1, 2), nested(2, 1)]
    backends = []
    with race.explorer.scenario(jobs, setup=two_accounts) as scenario:
        for _ in range(3):
            with scenario._running() as run:  # and given up after one step
                run.take(run.choices()[0])
                backends.append(run.sessions["A"].pid)
    assert len(set(backends)) == 1


def test_a_run_that_is_given_up_before_a_query_in_chunks_leaves_no_cursor_open(race: Race) -> None:
    def reads_in_chunks() -> None:
        with transaction.atomic():
            list(Account.objects.iterator())

    with race.explorer.scenario([reads_in_chunks], setup=two_accounts) as scenario:
        with scenario._running() as run:  # and given up before its first step
            tap = run.sessions["A"].tap
        assert tap is not None
        assert [cursor.closed for cursor in tap._named] == [True]
