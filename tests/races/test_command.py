"""`manage.py races` as scripts use it: its document, its exit code, its refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no_such_race"], "There is no scenario “no_such_race”. There are: a_"),
        (["price_edits_lose_nothing", "--strategy", "x"], "No form is called “x”. There are:"),
    ],
)
def test_what_does_not_exist_is_refused(tmp_path: Path, arguments: list[str], told: str) -> None:
    ran = races(*arguments, home=tmp_path)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "part", [["--naive"], ["--whole"], ["--strategy", "row lock"], ["--schedule", "A*1"]]
)
def test_pages_are_not_written_from_some_of_the_forms(tmp_path: Path, part: list[str]) -> None:
    ran = races("one_credit_is_spent_once", "--pages", *part, home=tmp_path)
    assert ran.returncode == 1
    needs = "--pages needs every form of a race, within its bounds"
    assert f"{needs}: leave {part[0]} out" in ran.stderr


def test_the_list_names_every_form(tmp_path: Path) -> None:
    ran = races("--list", home=tmp_path)
    assert "one_credit_is_spent_once: One credit is spent once" in ran.stdout
    assert "    holds  apply_reduction (ours): our service, called twice" in ran.stdout
