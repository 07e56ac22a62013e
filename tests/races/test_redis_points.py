"""Redis in an exploration: each command is a step, and clashes with the others on its keys."""

import pytest

from races import lab
from races.explorer import Race, Question, refute
from races.scenarios import a_lock_is_released_by_its_owner as owner


def test_a_script_that_deletes_whoever_holds_the_lock_is_refuted(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of the form that compares can fail: without the comparison it does."""
    careless = lab.COMPARE_AND_DELETE.replace("held == ARGV[1]", "held")
    assert careless != lab.COMPARE_AND_DELETE
    monkeypatch.setattr(lab, "COMPARE_AND_DELETE", careless)
    (form,) = owner.SCENARIO.holds
    found = refute(race.explorer, form.question)
    assert not found.holds
    assert "released a lock that another had taken" in found.violations[0].message
