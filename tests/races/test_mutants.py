"""Taking one thing out of the SQL: what it finds, and that it says when it found nothing."""

from collections import Counter
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.db.models import F

from races import mutants, pages, scenario
from races.explorer import Explorer, Question
from races.explorer.errors import NothingMutated
from races.explorer.mutation import Mutation, mutations
from races.models import Account
from races.scenario import Form, alone


def test_each_lock_and_each_condition_is_taken_out_by_itself() -> None:
    sql = 'UPDATE "a" SET "n" = 1 WHERE ("a"."n" > %s AND "a"."state" IN (%s, %s))'
    found = {each.removed: each.mutant for each in mutations([sql])}
    assert set(found) == {'"a"."n" > %s', '"a"."state" IN (%s, %s)'}
    assert found['"a"."n" > %s'] == (
        'UPDATE "a" SET "n" = 1 WHERE ((("a"."n" > %s) OR TRUE) AND "a"."state" IN (%s, %s))'
    )
    locked = 'SELECT "a"."id" FROM "a" WHERE "a"."id" = %s FOR NO KEY UPDATE SKIP LOCKED'
    assert [each.removed for each in mutations([locked])] == [
        "SKIP LOCKED",
        "FOR NO KEY UPDATE SKIP LOCKED",
    ]


def test_a_mutation_that_met_no_statement_is_an_error() -> None:
    mutation = Mutation("UPDATE a", "x", "y")
    assert mutation("UPDATE b") == "UPDATE b"
    with pytest.raises(NothingMutated, match="UPDATE a"):
        mutation.demand_met()


@pytest.mark.parametrize("strategy", ["row lock", "guarded update", "version"])
def test_without_its_lock_a_strategy_breaks(explorer: Explorer, strategy: str) -> None:
    race = scenario.get("one_credit_is_spent_once")
    (form,) = [form for _, form in race.forms() if form.name == strategy]
    found = list(mutants.run(explorer, race, form, Counter()))
    assert found
    assert all(mutant.broken for mutant in found), [each.in_words for each in found]


def test_what_is_known_of_a_removal_is_not_tried_again(explorer: Explorer) -> None:
    """What was broken once is needed; what is spare everywhere is believed after some races."""
    race = scenario.get("two_relays_have_one_effect")
    (form,) = [form for _, form in race.forms() if form.name == "SKIP LOCKED"]
    known: Counter[str] = Counter()
    first = {each.removed: each for each in mutants.run(explorer, race, form, known)}
    skip = first["SKIP LOCKED in SELECT races_job"]
    assert (skip.broken, skip.reason) == (False, mutants.SPARE["SKIP LOCKED"])
    assert first["FOR UPDATE SKIP LOCKED in SELECT races_job"].broken
    again = [each.removed for each in mutants.run(explorer, race, form, known)]
    assert again == ["SKIP LOCKED in SELECT races_job"]
    known.update(dict.fromkeys(known, mutants.MOST_RACES))
    assert not list(mutants.run(explorer, race, form, known))


def test_a_lock_function_is_taken_out_and_its_parameters_stay() -> None:
    sql = "SELECT pg_try_advisory_xact_lock(hashtext(%s)), %s"
    (found,) = mutations([sql])
    assert found.removed == "pg_try_advisory_xact_lock(hashtext(%s))"
    assert found.mutant == "SELECT ((hashtext(%s)) IS NULL OR TRUE), %s"


def test_a_lock_function_that_is_taken_out_says_yes_and_locks_nothing(explorer: Explorer) -> None:
    (found,) = mutations(["SELECT pg_try_advisory_xact_lock(1)"])
    control = explorer.server.connection
    with control.transaction():
        assert control.execute(found.mutant).fetchone() == (True,)
        held = control.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert held.fetchone() == (0,)


def spends(sql: str) -> Form:
    """A form whose two workers say this, and which nothing can break."""

    def job() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return Form("spends", Question((job, job), alone(lambda: None)))


def test_a_removal_that_leaves_no_valid_sql_breaks_nothing(explorer: Explorer) -> None:
    form = replace(
        spends(
            "INSERT INTO races_receipt (operation) VALUES ('x') ON CONFLICT (operation) DO NOTHING"
        ),
        constraints=[("races_receipt", "receipt_once_per_operation")],
    )
    (mutant,) = mutants.run(explorer, scenario.get("one_credit_is_spent_once"), form, Counter())
    assert not mutant.broken
    assert mutant.unexplored.startswith("no valid SQL: InvalidColumnReference: there is no unique")
    assert mutant.as_dict()["broken"] is False
    assert mutant.is_right


def test_a_removal_that_cannot_be_explored_breaks_nothing_and_stops_nothing(
    explorer: Explorer,
) -> None:
    """Without its condition the first worker asks for ever; the next removal is tried."""

    def asks_until_none_is_left() -> None:
        while Account.objects.filter(pk=1, credits__gt=0).update(credits=F("credits") - 1):
            pass
        with transaction.atomic():
            Account.objects.select_for_update().get(pk=1)

    race = scenario.get("one_credit_is_spent_once")
    question = Question(
        (asks_until_none_is_left,) * 2, alone(lambda: None), race.naive[0].question.setup
    )
    found = list(mutants.run(explorer, race, Form("asks", question), Counter()))
    assert [each.broken for each in found] == [False, False]
    assert "a livelock, and no broken claim" in found[0].unexplored
    assert not found[1].unexplored


def test_the_page_counts_what_broke_and_what_was_not_learnt() -> None:
    tried = [
        mutants.Mutant("a", "f", "x", broken=True, schedule="A*1", message="gone"),
        mutants.Mutant("a", "f", "y", broken=False, unexplored="no valid SQL: SyntaxError"),
        mutants.Mutant("a", "f", "z", broken=False, unexplored="could not be explored: NeverEnds"),
        mutants.Mutant("a", "f", "t", broken=False, reason="throughput"),
    ]
    page = pages.necessity([each.as_dict() for each in tried])
    assert (
        "1 of 4 removals break the claim. Nothing was learnt from 1 that left no valid SQL" in page
    )
    assert "and 1 that could not be explored. The other 1 break nothing" in page
    assert "| no valid SQL: SyntaxError |" in page
