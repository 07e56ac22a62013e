"""A naive form breaks for the reason that its race gives, and not where that reason is absent."""

from decimal import Decimal

import pytest

from pricing.models import Product
from races import scenario
from races.explorer import Race, Verdict, refute, replay
from races.scenario import Form
from races.scenarios import a_late_commit_is_not_passed_over as late_commit
from races.scenarios import a_product_that_comes_late_is_left_alone as late_product


def _form(race: str, name: str) -> Form:
    return next(form for _, form in scenario.get(race).forms() if form.name == name)


def _drawn(verdict: Verdict) -> list[str]:
    """The steps of the schedule that broke, each with its worker."""
    return [f"{moment.worker} {moment.text}" for moment in verdict.violations[0].moments]


def test_ids_that_are_committed_in_their_order_are_all_read(race: Race) -> None:
    def one_after_the_other() -> None:
        for _ in range(2):
            late_commit.insert()

    race.proves(
        one_after_the_other,
        late_commit.read_after_the_last_id,
        setup=late_commit.setup,
        check=late_commit.check,
        aftermath=late_commit.read_after_the_last_id,
    )


def test_the_carrier_is_asked_while_the_call_is_on_its_way(race: Race) -> None:
    question = _form("a_late_success_is_taken_back", "take back what the carrier has").question
    assert _drawn(refute(race.explorer, question))[0] == "B the carrier is asked"
    assert replay(race.explorer, question, "A*2 B*3").holds
    assert replay(race.explorer, question, "A*1 B*3 A*1").holds


def test_pages_are_moved_by_what_comes_in_between_two_of_them_alone(race: Race) -> None:
    question = late_product.SCENARIO.naive[0].question
    assert replay(race.explorer, question, "B*1").holds

    def insert_behind() -> None:
        Product.objects.create(sku="D", name="D", category="Books", price=Decimal(100))

    race.proves(
        late_product.page_by_offset,
        insert_behind,
        setup=late_product.setup,
        check=late_product.check,
    )


def test_a_paused_worker_writes_when_another_has_done_its_job(race: Race) -> None:
    question = _form("a_paused_worker_finishes_nobody_elses_job", "lease, then write").question
    steps = _drawn(refute(race.explorer, question))
    assert steps[-4] == "B COMMIT"
    assert {step.split()[0] for step in steps[-3:]} == {"A"}
    assert replay(race.explorer, question, "A*4 lease*1").holds


@pytest.mark.parametrize(
    ("race_name", "form", "broken"),
    [
        (
            "a_paused_worker_finishes_nobody_elses_job",
            "token claimed before the read",
            "A*3 lease*1 B*9 A*6",
        ),
        ("one_credit_is_spent_once", "Redis lock with a fence", "A*2 expiry*1 B*10 A*5"),
    ],
)
def test_the_check_of_a_fence_notices_that_the_fence_is_gone(
    race: Race, race_name: str, form: str, broken: str
) -> None:
    question = _form(race_name, form).question
    assert replay(race.explorer, question, "").holds
    unfenced = question.but(mutate=lambda sql: sql.replace('."token" < %s', '."token" <> %s'))
    found = replay(race.explorer, unfenced, broken)
    assert found.violations[0].message == "token 2 was let in, and token 1 after it"
