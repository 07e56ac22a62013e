"""A reply that is lost: who waits for it gets an error, and what it told of may have happened."""

import contextlib

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F

from races.explorer import Explorer, NotProven, Race
from races.explorer.faults import Faults
from races.explorer.run import Run
from races.explorer.schedule import ACK, Choice
from races.models import Account, Effect
from races.scenarios import one_credit_is_spent_once as credit


def test_a_lost_reply_to_commit_is_a_choice(race: Race) -> None:
    def spend_with_retry() -> None:
        for _ in range(2):
            try:
                with transaction.atomic():
                    Account.objects.filter(pk=1).update(credits=F("credits") - 1)
                return
            except OperationalError:
                connection.close()

    def check() -> None:
        left = Account.objects.get(pk=1).credits
        assert left == 8, f"two spent, and {10 - left} are gone"

    verdict = race.refutes(
        spend_with_retry, spend_with_retry, check=check, acks=1,
        setup=lambda: Account.objects.create(pk=1, credits=10),
    )  # fmt: skip
    assert verdict.violations[0].message == "two spent, and 3 are gone"
    assert "ack:" in verdict.violations[0].schedule


def test_a_lost_reply_excuses_the_error_that_comes_of_it_and_no_other(race: Race) -> None:
    def tells() -> None:
        Account.objects.filter(pk=1).update(credits=F("credits") + 1)

    def forgets() -> None:
        try:
            tells()
        except OperationalError:
            connection.close()
        else:
            return
        Account.objects.create(pk=1, credits=0)  # which fails

    asked = {"setup": credit.setup, "check": lambda: None, "acks": 1}
    race.proves(tells, tells, **asked)
    with pytest.raises(NotProven, match="failed: IntegrityError"):
        race.proves(forgets, tells, **asked)


@pytest.mark.parametrize("atomic", [True, False])
def test_the_reply_to_a_function_that_writes_may_be_lost(race: Race, *, atomic: bool) -> None:
    """What it does is not in the statement, so that it may have changed something."""

    def spend() -> None:
        with (
            transaction.atomic() if atomic else contextlib.nullcontext(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT race_spend()")

    def check(outcomes: list) -> None:
        assert not [each.error for each in outcomes if each.error], "a reply was lost"

    control = race.explorer.server.connection
    control.execute(
        "CREATE FUNCTION race_spend() RETURNS void LANGUAGE sql AS "
        "'UPDATE races_account SET credits = credits - 1'"
    )
    try:
        race.refutes(spend, spend, setup=credit.setup, check=check, acks=1)
    finally:
        control.execute("DROP FUNCTION race_spend")


def test_a_backend_whose_reply_is_lost_has_ended(explorer: Explorer) -> None:
    """Even one that has much to clear away first, its temporary tables, and its locks after it."""

    def job() -> None:
        with contextlib.suppress(OperationalError), connection.cursor() as cursor:
            for number in range(50):
                cursor.execute(f"CREATE TEMPORARY TABLE staged_{number} (pk int PRIMARY KEY)")
            Effect.objects.create()

    living = []

    def driver(run: Run) -> None:
        pid = run.sessions["A"].pid
        while Choice("A", ACK) not in run.choices():
            run.take(Choice("A"))
        run.take(Choice("A", ACK))
        asked = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        living.append(explorer.server.connection.execute(asked, [pid]).fetchone())

    with explorer.scenario([job], faults=Faults(acks=1)) as scenario:
        scenario.drive(driver)
    assert living == [(0,)]
