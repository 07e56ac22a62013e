"""Taking one thing out of the SQL: what it finds, and that it says when it found nothing."""

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from outbox import claims
from races import lab, mutants, pages, scenario, steady
from races.explorer import Explorer, Question
from races.explorer.errors import NothingMutated
from races.explorer.mutation import Mutation, mutations, plain_insert
from races.models import Account, Receipt
from races.scenario import HOLDS, Form, alone
from races.spare import SPARE

KEY, DAY = "outbox_idempotencykey_pkey", "daily_count_once_per_community_and_day"


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


@pytest.mark.parametrize(
    ("sql", "conditions"),
    [
        pytest.param(
            "WITH l AS (SELECT 1) SELECT m.n FROM l, m WHERE m.id = ANY(%s) AND m.state = 'on' AND "
            "NOT EXISTS (SELECT FROM p WHERE p.of = 'a WHERE (') ORDER BY m.n FOR UPDATE",
            ["m.state = 'on'", "NOT EXISTS (SELECT FROM p WHERE p.of = 'a WHERE (')",
             "p.of = 'a WHERE ('"],
            id="beside a subquery with one of its own",
        ),
        pytest.param(
            "WITH w AS (UPDATE a SET n = 1 FROM b WHERE a.id = b.id AND a.v = b.v RETURNING n) "
            "INSERT INTO c SELECT n FROM w",
            ["a.v = b.v"],
            id="inside WITH",
        ),
        pytest.param(
            "INSERT INTO a AS t (n) SELECT 1 WHERE %s > 0 "
            "ON CONFLICT (n) DO UPDATE SET n = 2 WHERE t.n < %s RETURNING n",
            ["%s > 0", "t.n < %s"],
            id="of an upsert",
        ),
        pytest.param(
            "DELETE FROM a WHERE n BETWEEN 1 AND 2 AND (b AND (c OR d)) "
            "AND CASE WHEN e AND f THEN g END",
            ["n BETWEEN 1 AND 2", "b", "c OR d", "CASE WHEN e AND f THEN g END"],
            id="where AND joins no conditions",
        ),
    ],
)  # fmt: skip
def test_every_where_is_looked_at(sql: str, conditions: list[str]) -> None:
    found = [each for each in mutations([sql]) if " OR TRUE" in each.mutant]
    assert [each.removed for each in found] == conditions
    for each in found:
        assert each.mutant.replace(f"(({each.removed}) OR TRUE)", each.removed) == sql


def test_the_claim_of_the_outbox_loses_each_of_its_conditions() -> None:
    found = [each.removed for each in mutations([claims._CLAIM_FIRST])]
    wanted = ["state = 'pending'", "attempts = 0", "crashes = 0"]
    assert {*(f"message.{each}" for each in wanted), "NOT message.alone"} <= set(found)


def test_each_of_several_row_locks_is_taken_out() -> None:
    sql = "WITH a AS (SELECT 1 FROM b FOR UPDATE) SELECT 1 FROM a, c FOR SHARE OF c SKIP LOCKED"
    assert [(each.removed, len(sql) - len(each.mutant)) for each in mutations([sql])] == [
        ("SKIP LOCKED", 12), ("FOR UPDATE", 11), ("FOR SHARE OF c SKIP LOCKED", 27)
    ]  # fmt: skip


def test_a_condition_that_cannot_be_cut_out_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"“\(n = 1” cannot be cut out of “UPDATE a"):
        list(mutations(["UPDATE a SET n = 1 WHERE (n = 1"]))


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
    assert (skip.broken, skip.reason) == (False, SPARE["SKIP LOCKED"])
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


def test_a_constraint_that_only_a_death_needs_is_found_to_be_needed(explorer: Explorer) -> None:
    def pay_once() -> None:
        with transaction.atomic():
            Receipt.objects.create(operation="x")
            Account.objects.filter(pk=1).update(credits=F("credits") - 1)

    def check() -> None:
        assert Account.objects.get().credits == 0, "paid twice"

    race = scenario.get("one_credit_is_spent_once")
    setup = race.naive[0].question.setup
    question = Question((pay_once,), alone(check), setup, kills=1, expects=(IntegrityError,))
    form = Form("once", question, constraints=[("races_receipt", "receipt_once_per_operation")])
    (mutant,) = mutants.run(explorer, race, form, Counter())
    assert (mutant.broken, mutant.message) == (True, "paid twice")
    assert "kill:A" in mutant.schedule


@pytest.mark.parametrize(
    ("table", "columns", "sql", "plain"),
    [
        pytest.param(
            "a", ["n", "m"],
            "INSERT INTO a AS t (n, m) SELECT 'ON CONFLICT (n, m) DO', 1 WHERE %(c)s > 0 "
            "ON CONFLICT (m, n) DO UPDATE SET m = 2 WHERE t.n < %(c)s AND t.m = 1 RETURNING n",
            "INSERT INTO a AS t (n, m) SELECT 'ON CONFLICT (n, m) DO', 1 WHERE %(c)s > 0"
            " RETURNING n",
            id="up to what it returns",
        ),
        pytest.param(
            "a", ["n"],
            'WITH w AS (INSERT INTO "a" ("n") VALUES (1) ON CONFLICT ("n") DO NOTHING) SELECT 1',
            'WITH w AS (INSERT INTO "a" ("n") VALUES (1)) SELECT 1',
            id="inside WITH",
        ),
        pytest.param(
            "a", ["n"], "INSERT INTO a VALUES (1)\n ON CONFLICT (n) DO NOTHING",
            "INSERT INTO a VALUES (1)", id="at the end",
        ),
    ],
)  # fmt: skip
def test_an_upsert_without_its_constraint_is_a_plain_insert(
    table: str, columns: list[str], sql: str, plain: str
) -> None:
    assert plain_insert(table, columns)(sql) == plain
    assert plain_insert("another", columns)(sql) == sql
    assert plain_insert(table, [*columns, "k"])(sql) == sql
    assert plain_insert(table, columns)("INSERT INTO a VALUES (1)") == "INSERT INTO a VALUES (1)"


@pytest.mark.parametrize(
    ("race", "strategy", "constraint"),
    [
        ("a_unique_job_is_enqueued_once", "outbox.enqueue with a key", KEY),
        ("a_doubled_beat_runs_its_slot_once", "periodic.tick", KEY),
        ("two_accounts_stay_within_one_quota", "the daily cap", DAY),
    ],
)
def test_without_the_constraint_under_its_upsert_a_form_of_ours_breaks(
    explorer: Explorer, race: str, strategy: str, constraint: str
) -> None:
    each = scenario.get(race)
    (form,) = [form for form in each.holds if form.name == strategy]
    with lab.broker.installed(), steady.without_clocks():
        (mutant,) = mutants.run_constraints(explorer, each, form)
    assert mutant.removed == f"constraint {constraint}"
    assert mutant.broken, mutant.in_words


def test_an_upsert_of_what_comes_afterwards_is_a_plain_insert_as_well(explorer: Explorer) -> None:
    each = scenario.get("two_reconcilers_repair_once")
    (form,) = [form for form in each.holds if form.name == "reconciliation, twice"]
    with lab.broker.installed(), steady.without_clocks():
        (mutant,) = mutants.run_constraints(explorer, each, form)
    assert mutant.reason.startswith("courtesy: two runs at once mend once as well")
    assert not mutant.unexplored


def test_the_row_of_a_reconciliation_keeps_two_calls_of_one_step_apart(explorer: Explorer) -> None:
    each = scenario.get("two_reconcilers_repair_once")
    (form,) = [form for form in each.holds if form.name == "one step, called twice"]
    with lab.broker.installed(), steady.without_clocks():
        found = {each.removed: each for each in mutants.run(explorer, each, form, Counter())}
    lock = found["FOR NO KEY UPDATE in SELECT outbox_reconciliation"]
    assert (lock.broken, lock.message) == (True, "A and B took one step")


def test_two_of_a_kind_stand_for_three() -> None:
    each = scenario.get("price_edits_lose_nothing")
    chosen = [(each, HOLDS, form) for form in each.holds]
    tried = [form.name for _, form in mutants._worth_mutating(chosen)]
    assert "edit_product" in tried
    assert "edit_product, three" not in tried


def test_a_removal_that_leaves_no_valid_sql_breaks_nothing(explorer: Explorer) -> None:
    form = replace(
        spends(
            "INSERT INTO races_receipt (operation) VALUES ('x') "
            "ON CONFLICT ON CONSTRAINT receipt_once_per_operation DO NOTHING"
        ),
        constraints=[("races_receipt", "receipt_once_per_operation")],
    )
    (mutant,) = mutants.run(explorer, scenario.get("one_credit_is_spent_once"), form, Counter())
    assert not mutant.broken
    assert mutant.unexplored.startswith("no valid SQL: UndefinedObject: constraint")
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
    assert found[0].is_right


def test_a_removal_that_fails_otherwise_is_no_verdict(explorer: Explorer) -> None:
    """It would be taken for one of a lock that nobody needs, or of one that cannot be judged."""
    turns = count()

    def says_another_thing_later() -> None:
        how = "lt" if next(turns) < 2 else "gt"
        Account.objects.filter(**{f"credits__{how}": 9}).update(credits=F("credits") + 1)

    race = scenario.get("one_credit_is_spent_once")
    question = Question(
        (says_another_thing_later,) * 2, alone(lambda: None), race.naive[0].question.setup
    )
    mutant, *_ = mutants.run(explorer, race, Form("says", question), Counter())
    assert mutant.error.startswith("could not be explored: NothingMutated: No st")
    assert (mutant.broken, mutant.is_right) == (False, False)
    assert mutant.as_dict()["error"] == mutant.error in mutant.in_words


def test_a_removal_says_where_not_every_schedule_was_tried(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = scenario.get("two_relays_have_one_effect")
    (form,) = [form for _, form in race.forms() if form.name == "SKIP LOCKED"]
    form = replace(form, question=form.question.but(kills=0))
    whole, *_ = mutants.run(explorer, race, form, Counter())
    assert (whole.broken, whole.capped) == (False, False)
    monkeypatch.setattr(mutants, "MOST_SCHEDULES", 1)
    capped, *_ = mutants.run(explorer, race, form, Counter())
    assert (capped.broken, capped.capped) == (False, True)
    assert "nothing breaks in what was tried; throughput" in capped.in_words


def test_the_page_counts_what_broke_and_what_was_not_learnt() -> None:
    tried = [
        mutants.Mutant("a", "f", "x", broken=True, schedule="A*1", message="gone"),
        mutants.Mutant("a", "f", "y", broken=False, unexplored="no valid SQL: SyntaxError"),
        mutants.Mutant("a", "f", "z", broken=False, unexplored="could not be explored: NeverEnds"),
        mutants.Mutant("a", "f", "t", broken=False, reason="throughput"),
        mutants.Mutant("a", "f", "u", broken=False, reason="speed", capped=True),
        mutants.Mutant("a", "f", "v", broken=False, error="could not be explored: Divergence"),
    ]
    failed = replace(tried[0], message="B failed: StalePrice: 1 of 1 prices had changed meanwhile.")
    page = pages.necessity([each.as_dict() for each in [*tried, failed]])
    assert "1 of 7 removals break the claim. With 1 more a worker fails (“A failed: …”)" in page
    assert "Nothing was learnt from 1 that left no valid SQL" in page
    assert "Never taken apart were statements that only a collision" in page
    assert "and 2 that could not be explored. The other 2 break nothing" in page
    assert "for: 1 in every schedule, 1 in the first 60, and 20 with a death" in page
    assert "| throughput |" in page
    assert "| speed (capped) |" in page
    assert "| could not be explored: Divergence |" in page
    assert "| no valid SQL: SyntaxError |" in page
