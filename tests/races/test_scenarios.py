"""Every race: the naive form is refuted, and its schedule found again; the others are proven.

Deaths multiply the schedules. Where that makes too many for a test run, the form is proven here
without them, and with them by `manage.py races`; `CRASHES_BY_COMMAND` says which.
"""

import pytest

from races import lab, pages, report, scenario
from races.explorer import Explorer, Race, prove
from races.scenario import HOLDS, NAIVE, Form, Scenario

CRASHES_BY_COMMAND = {
    "cancel_and_apply_have_one_outcome: apply_reduction and cancel_reduction",
    "a_job_delivered_twice_runs_once: apply_reduction",
    "a_product_that_comes_late_is_left_alone: apply_reduction",
    "a_chunked_run_survives_its_death: apply_reduction",
    "a_job_delivered_twice_runs_once: the consumer",
    "a_reduction_never_overwrites_an_edit: apply_reduction and edit_product",
    "an_acknowledgement_decides_nothing: the consumer",
    "one_credit_is_spent_once: unique constraint",
    "one_credit_is_spent_once: version",
    "price_edits_lose_nothing: edit_product",
}
BOUNDED_BY_COMMAND = {
    "two_relays_have_one_effect: relay and consumer": 1,
    "an_acknowledgement_decides_nothing: the consumer": 1,
}


def _forms(kind: str) -> list:
    return [
        pytest.param(each, form, id=f"{each.name}: {form.name}")
        for each in scenario.scenarios().values()
        for its_kind, form in each.forms()
        if its_kind == kind
    ]


@pytest.fixture(autouse=True)
def _memory_broker() -> object:
    with lab.broker.installed() as broker:
        yield broker


@pytest.mark.parametrize(("each", "form"), _forms(NAIVE))
def test_a_naive_form_is_refuted(race: Race, each: Scenario, form: Form) -> None:
    entry = report.run(race.explorer, each, NAIVE, form)
    race.verdicts.append(entry.verdict)
    assert entry.is_right, entry.verdict.in_words
    found = entry.verdict.violations[0]
    page = (pages.FOLDER / f"{each.name}.md").read_text()
    assert f"Schedule `{found.schedule}`" in page, "run `manage.py races --mutants --pages`"
    assert found.message in page
    again = report.run_schedule(race.explorer, each, NAIVE, form, found.schedule)
    assert [each.message for each in again.verdict.violations] == [found.message]


@pytest.mark.parametrize(("each", "form"), _forms(HOLDS))
def test_a_form_holds_in_every_schedule(
    race: Race, each: Scenario, form: Form, request: pytest.FixtureRequest
) -> None:
    name, question = f"{each.name}: {form.name}", form.question
    if name in CRASHES_BY_COMMAND:
        question = question.but(kills=0)
    if name in BOUNDED_BY_COMMAND:
        question = question.but(bound=BOUNDED_BY_COMMAND[name])
    verdict = prove(race.explorer, question)
    race.verdicts.append(verdict)
    assert verdict.holds, str(verdict.violations[0])
    assert verdict.schedules > 1
    assert verdict.complete or question.bound is not None


def test_every_name_in_these_lists_is_a_form(explorer: Explorer) -> None:
    known = {param.id for param in _forms(HOLDS)}
    assert known >= CRASHES_BY_COMMAND | BOUNDED_BY_COMMAND.keys()
