"""Every race: the naive form is refuted, and its schedule found again; the others are proven.

Deaths multiply the schedules. Where that makes too many for a test run, `DEATHS_BY_COMMAND` says
so: here every schedule of the living is run and each process dies at each of its points, without
other preemption; `manage.py races` runs the deaths under every preemption, too.
"""

import json
from typing import Any

import pytest

from races import failing, lab, pages, report, scenario, steady
from races.explorer import Explorer, Question, Race, prove
from races.explorer.question import Check
from races.report import Entry
from races.scenario import HOLDS, NAIVE, Form, Scenario
from races.scenarios import a_failing_job_waits_before_it_runs_again, half_a_job_is_not_committed

DEATHS_BY_COMMAND = {
    "a_call_is_repeated_under_its_own_key: the key stored before the call",
    "a_chunked_run_survives_its_death: apply_reduction",
    "a_failing_job_waits_before_it_runs_again: the consumer, killed",
    "a_job_delivered_twice_runs_once: the consumer",
    "a_late_commit_is_not_passed_over: the consumer, killed",
    "a_lost_commit_reply_buys_once: buy_credits",
    "a_paused_worker_finishes_nobody_elses_job: the consumer",
    "a_product_that_comes_late_is_left_alone: apply_reduction",
    "a_repair_keeps_a_live_deduction: reconciliation and buy_credits",
    "a_revert_undoes_its_own_reduction_only: row lock",
    "a_step_of_a_saga_is_done_once: run_step, reserve",
    "a_unique_job_is_enqueued_once: schedule_reduction with a key",
    "an_acknowledgement_decides_nothing: the consumer",
    "cancel_and_apply_have_one_outcome: the consumer and cancel_reduction",
    "crossed_locks_do_not_deadlock: apply_reduction",
    "every_increment_is_counted: find or create, then F()",
    "overlapping_reductions_both_count: apply_reduction",
    "two_reconcilers_repair_once: one step, called twice",
}
BOUNDED_BY_COMMAND = {
    "a_living_job_is_not_rescued: reconciliation and consumer": 1,
    "an_acknowledgement_decides_nothing: the consumer": 1,
    "the_last_one_finishes_the_whole: drive_campaign": 1,
    "two_reconcilers_repair_once: reconciliation, twice": 1,
    "two_relays_have_one_effect: relay and consumer": 1,
}


AGAIN = "run `manage.py races --mutants --pages --repeat 100`"


def _forms(kind: str) -> list[Any]:
    return [
        pytest.param(each, form, id=f"{each.name}: {form.name}")
        for each in scenario.scenarios().values()
        for its_kind, form in each.forms()
        if its_kind == kind
    ]


@pytest.fixture(autouse=True)
def _memory_broker() -> object:
    with lab.broker.installed() as broker, steady.without_clocks():
        yield broker


@pytest.mark.parametrize(("each", "form"), _forms(NAIVE))
def test_a_naive_form_is_refuted(race: Race, each: Scenario, form: Form) -> None:
    entry = report.run(race.explorer, each, NAIVE, form)
    race.verdicts.append(entry.verdict)
    assert entry.is_right, entry.verdict.in_words
    found = entry.verdict.violations[0]
    page = (pages.FOLDER / f"{each.name}.md").read_text()
    assert f"Schedule `{found.schedule}`" in page, AGAIN
    assert found.message in page
    again = report.run_schedule(race.explorer, each, NAIVE, form, found.schedule)
    assert [each.message for each in again.verdict.violations] == [found.message]


@pytest.mark.parametrize(("each", "form"), _forms(HOLDS))
def test_a_form_holds_in_every_schedule(race: Race, each: Scenario, form: Form) -> None:
    question = _asked(f"{each.name}: {form.name}", form.question)
    verdict = prove(race.explorer, question)
    race.verdicts.append(verdict)
    assert verdict.holds, str(verdict.violations[0])
    assert verdict.schedules > 1
    bounded = question.bound is not None or question.deaths_within is not None
    assert verdict.complete or bounded
    if question == form.question:  # what was asked for the page
        entry = Entry(each, HOLDS, form, verdict)
        assert _figures(entry.as_dict()) == _figures(_known(entry)), AGAIN


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    names = ("schedules", "crash_points", "complete", "bounded", "deaths_within", "workers")
    return {name: result[name] for name in names}


def _known(entry: Entry) -> dict[str, Any]:
    """What docs/races/ says of this form."""
    results = json.loads((pages.FOLDER / "results.json").read_text())["scenarios"]
    this = (entry.scenario.name, entry.form.name)
    (known,) = (each for each in results if (each["name"], each["strategy"]) == this)
    return dict(known)


@pytest.mark.parametrize(
    "check",
    [
        a_failing_job_waits_before_it_runs_again.check_ours,
        half_a_job_is_not_committed.check_ours,
    ],
)
def test_a_check_of_a_failed_job_fails_where_nobody_has_run_it(check: Check) -> None:
    failing.forget()
    with pytest.raises(AssertionError, match="nobody has run the job"):
        check([])


def _asked(name: str, question: Question) -> Question:
    asked = question.but(bound=BOUNDED_BY_COMMAND.get(name, question.bound))
    return asked.but(deaths_within=0) if name in DEATHS_BY_COMMAND else asked


def test_every_name_in_these_lists_is_a_form(explorer: Explorer) -> None:
    known = {param.id for param in _forms(HOLDS)}
    assert known >= DEATHS_BY_COMMAND | BOUNDED_BY_COMMAND.keys()


def test_a_whole_form_has_no_bound() -> None:
    forms = [form for each in scenario.scenarios().values() for _, form in each.forms()]
    assert any(form.question.bound is not None for form in forms)
    for form in forms:
        whole = form.whole().question
        assert (whole.bound, whole.deaths_within) == (None, None)
        assert whole.kills == form.question.kills
