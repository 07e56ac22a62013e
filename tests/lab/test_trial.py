"""An operator's own schedule: on servers of its own, in a process that ends."""

import tempfile
from pathlib import Path

import pytest

from races.models import LabRun
from races.trial import possible
from tests.accounts.people import signed_in
from tests.lab.world import post, wait_until_over
from tests.stack import Stack

FORM = {"scenario": "one_credit_is_spent_once", "strategy": "read-check-save"}


def test_an_own_schedule_is_run_and_shown_and_its_servers_are_gone(stack: Stack) -> None:
    assert possible()
    before = set(Path(tempfile.gettempdir()).glob("onceproof-trial-*"))
    client = signed_in("operator")
    answer = post(client, "races:trial_start", **FORM, schedule=" A*1  B*1 A*1 ")
    made = LabRun.objects.get()
    assert answer["Location"] == f"/races/trials/{made.pk}/"
    assert "data-live hx-get" in client.get(answer["Location"]).content.decode()
    wait_until_over(stack, made)

    assert (made.state, made.reason) == ("done", "")
    page = client.get(answer["Location"]).content.decode()
    assert "2 texts sent on 1 credit" in page
    assert "account.save()" in page
    assert "Step <b>2</b>" in client.get(answer["Location"] + "?step=2").content.decode()
    assert set(Path(tempfile.gettempdir()).glob("onceproof-trial-*")) <= before


@pytest.mark.django_db
def test_a_schedule_that_does_not_fit_says_where_it_leaves_the_tree() -> None:
    told = "The schedule leaves the tree at its step 5, B, after A*1 B*3."
    made = LabRun.objects.create(
        kind="trial",
        state="done",
        asked={**FORM, "strategy": "read, check, save", "schedule": "A*1 B*9"},
        result={"error": told},
        created_by="test",
    )
    page = signed_in("viewer").get(f"/races/trials/{made.pk}/").content.decode()
    assert told in page
    assert "data-live hx-get" not in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scenario": "no_such"}, "There is no such race."),
        ({"strategy": "no-such"}, "There are: read-check-save"),
        ({"schedule": "A*x"}, "“A*x” is no step"),
        ({"schedule": "A " * 400}, "at most 600 characters"),
    ],
)
def test_nonsense_is_refused_before_anything_starts(
    changed: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("races.launch.launch", lambda run_id: pytest.fail("it was started"))
    client = signed_in("operator")
    answer = post(client, "races:trial_start", **{**FORM, "schedule": "A*1", **changed})
    assert said in client.get(answer["Location"]).content.decode()
    assert not LabRun.objects.exists()


@pytest.mark.django_db
def test_without_the_programs_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("races.trial.possible", lambda: False)
    client = signed_in("operator")
    answer = post(client, "races:trial_start", **FORM, schedule="A*1")
    assert b"no PostgreSQL to throw away" in client.get(answer["Location"]).content
