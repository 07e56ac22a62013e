"""`manage.py races` as scripts use it: its document, its exit code, its refusals."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.embedded.binaries import ProgramNotFound
from config.embedded.postgres import Postgres
from races import place, report, scenario
from races.explorer import ServerNotControlled
from races.explorer.verdict import Verdict, Violation
from races.report import Entry
from races.scenario import HOLDS, NAIVE

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {
    "name", "form", "workers", "statements", "schedules", "complete", "crash_points", "violations",
    "schedule", "seconds",
}  # fmt: skip


def races(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, as in a fresh clone: nothing runs, nothing is set."""
    environment = {"PATH": os.environ["PATH"], "ONCEPROOF_HOME": str(home)}
    command = [sys.executable, "manage.py", "races", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_document_and_the_exit_code(tmp_path: Path) -> None:
    ran = races("a_lock_is_released_by_its_owner", "--json", home=tmp_path)
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert set(document) == {"scenarios"}
    naive, holds = document["scenarios"]
    assert naive.keys() & holds.keys() >= FIELDS
    assert (naive["form"], naive["violations"], naive["complete"]) == ("naive", 1, False)
    assert (holds["form"], holds["violations"], holds["complete"]) == ("holds", 0, True)
    assert naive["schedule"]
    assert holds["schedules"] > 1


def test_a_schedule_is_drawn_and_one_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    form = ("one_credit_is_spent_once", "--strategy", "row lock")
    ran = races(*form, "--schedule", "A*1 B*2", home=tmp_path)
    assert ran.returncode != 0
    assert "leaves the tree at its step 3, B, after A*1 B*1" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_schedule_that_breaks_nothing_leaves_with_0(tmp_path: Path) -> None:
    """The empty one runs one worker after the other, and nothing else."""
    ran = races("a_lock_is_released_by_its_owner", "--naive", "--schedule", "", home=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "HOLDS\n  schedule: A*" in ran.stderr
    assert "1 scenarios, 1 forms (0 proven), 1 schedules" in ran.stdout


def test_a_schedule_that_breaks_what_should_hold_leaves_with_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = Entry(
        scenario.get("one_credit_is_spent_once"),
        HOLDS,
        scenario.get("one_credit_is_spent_once").holds[0],
        Verdict(violations=[Violation("2 texts sent", "A*1", ["A"], [], 1)]),
    )
    monkeypatch.setattr(place, "throwaway", nullcontext)
    monkeypatch.setattr(report, "run_schedule", lambda *_: entry)
    arguments = ("one_credit_is_spent_once", "--strategy", "row lock", "--schedule", "A*1")
    with pytest.raises(SystemExit) as left:
        call_command("races", *arguments)
    assert left.value.code == 1
    entry.kind = NAIVE
    call_command("races", *arguments)


@pytest.mark.parametrize("error", [ProgramNotFound("no initdb"), ServerNotControlled("not ours")])
def test_where_there_are_no_servers_to_start_it_says_so(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(_: Postgres) -> None:
        raise error

    monkeypatch.setattr(Postgres, "initialise", fails)
    monkeypatch.setattr(place.signal, "signal", lambda *_: None)
    for command in ("races", "record_races", "reduction"):
        with pytest.raises(CommandError, match=rf"of their own and use no others.*{error}"):
            call_command(command)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no_such_race"], "There is no scenario “no_such_race”. There are: a_"),
        (["price_edits_lose_nothing", "--strategy", "x"], "No form is called “x”. There are:"),
        (["--strategy", "x"], "There are: a_call_is_repeated_under_its_own_key: a fresh key for"),
        (
            ["price_edits_lose_nothing", "--naive", "--strategy", "row lock"],
            "No naive form, but one that holds: price_edits_lose_nothing: row lock.",
        ),
        (
            ["every_increment_is_counted", "--naive", "--schedule", "A*1"],
            "--schedule belongs to one form: add --strategy. There are: "
            "every_increment_is_counted: find or create, add, save; every_increment_is_counted: "
            "find or create without a unique index.",
        ),
        (["--schedule", ""], "--schedule belongs to one scenario: name it."),
    ],
)
def test_what_names_nothing_or_too_much_is_refused(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    ran = races(*arguments, home=tmp_path)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "part",
    [
        ["--naive"], ["--whole"], ["--strategy", "row lock"], ["--schedule", "A*1"],
        ["--schedule", ""],
    ],
)  # fmt: skip
def test_pages_are_not_written_from_some_of_the_forms(tmp_path: Path, part: list[str]) -> None:
    ran = races("one_credit_is_spent_once", "--pages", *part, home=tmp_path)
    assert ran.returncode == 1
    needs = "--pages needs every form of a race, within its bounds"
    assert f"{needs}: leave {part[0]} out" in ran.stderr


def test_the_list_names_every_form(tmp_path: Path) -> None:
    ran = races("--list", home=tmp_path)
    assert "one_credit_is_spent_once: One credit is spent once" in ran.stdout
    assert "    holds  apply_reduction (ours): our service, called twice" in ran.stdout


def test_the_list_is_of_what_was_asked_for(tmp_path: Path) -> None:
    asked = ("one_credit_is_spent_once", "price_edits_lose_nothing", "--strategy", "row lock")
    ran = races("--list", *asked, home=tmp_path)
    lines = [line.split(":")[0] for line in ran.stdout.splitlines()]
    assert lines == [asked[0], "    holds  row lock", asked[1], "    holds  row lock"]
    ran = races("--list", "--naive", "--json", asked[1], home=tmp_path)
    (form,) = json.loads(ran.stdout)["scenarios"]
    assert (form["name"], form["form"]) == (asked[1], "naive")
    assert form.keys() == {"name", "claim", "form", "strategy", "ours", "what"}
