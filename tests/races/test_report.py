"""What a run of the races says when a form cannot be explored, and how it repeats one."""

from races import report, scenario
from races.explorer import Explorer, Question
from races.models import Account
from races.scenario import HOLDS, NAIVE, Form, Scenario, alone


def of(*forms: Form) -> Scenario:
    return Scenario(claim="A claim", naive=forms, holds=forms, why="", cure="", name="a_claim")


def setup() -> None:
    Account.objects.create(pk=1, credits=1)


def polls_for_ever() -> None:
    while Account.objects.filter(pk=1, credits=1).exists():
        pass


def test_a_form_that_cannot_be_explored_is_wrong_whichever_kind_it_is(explorer: Explorer) -> None:
    form = Form("polls", Question((polls_for_ever,) * 2, alone(lambda: None), setup))
    for kind in (NAIVE, HOLDS):
        entry = report.run(explorer, of(form), kind, form)
        assert entry.error.startswith("NeverEnds: A made 300 steps")
        assert not entry.is_right
        assert entry.as_dict()["violation"] == entry.error


def test_a_schedule_that_cannot_be_repeated_loses_nothing_of_what_was_found(
    explorer: Explorer,
) -> None:
    race = scenario.get("price_edits_lose_nothing")
    entry = report.run(explorer, race, NAIVE, race.naive[0])
    entry.verdict.violations[0].schedule += " C*1"
    report.repeat(explorer, entry, 5)
    assert entry.error.startswith("ScheduleDoesNotFit: ")
    assert not entry.is_right
    assert entry.as_dict().items() >= {"error": entry.error, "violations": 1}.items()


def test_a_failing_schedule_is_repeated_on_one_set_up(explorer: Explorer) -> None:
    race = scenario.get("price_edits_lose_nothing")
    entry = report.run(explorer, race, NAIVE, race.naive[0])
    assert "repeated" not in entry.as_dict()
    report.repeat(explorer, entry, 5)
    assert (entry.repeated, entry.found_again) == (5, 5)
    assert entry.as_dict().items() >= {"repeated": 5, "found_again": 5}.items()
    assert entry.is_right
    entry.found_again = 4
    assert not entry.is_right
