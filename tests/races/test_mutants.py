"""Taking one thing out of the SQL: what it finds, and that it says when it found nothing."""

from collections import Counter

import pytest

from races import mutants, scenario
from races.explorer import Explorer
from races.explorer.errors import NothingMutated
from races.explorer.mutation import Mutation, mutations


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
