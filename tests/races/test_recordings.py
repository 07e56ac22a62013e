"""What the lab's pages show is what happens: recordings are replayed and compared."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from races import lab, scenario, steady
from races.explorer import ScheduleDoesNotFit
from races.management.commands import try_race
from races.recording import library, make, source
from races.recording.data import Moment, Recording, Run
from races.recording.watched import WatchedExplorer
from races.scenario import NAIVE

AGAIN = "run `manage.py record_races {}`"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAMES = sorted(scenario.scenarios())


@pytest.fixture
def watched(
    transactional_db: None, race_server: None, django_db_blocker: Any
) -> Iterator[WatchedExplorer]:
    """An explorer that knows where each step came from."""
    with django_db_blocker.unblock(), lab.broker.installed(), steady.without_clocks():
        _count_from_one()
        explorer = WatchedExplorer(patience=20)
        yield explorer
        explorer.clean()
        explorer.close()
        connections["default"].close()


def _count_from_one() -> None:
    """Recordings begin in a new database, where the first product is product 1."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
            " FROM pg_sequences WHERE schemaname = 'public'"
        )


def recorded(name: str) -> Recording:
    """The checked-in recording."""
    found = library.get(name)
    assert found is not None, AGAIN.format(name)
    return found


def told(run: Run) -> list[tuple[str, ...]]:
    """What a viewer reads of a run, without line numbers and random ids."""
    return [
        (turn.choice, turn.missed, UUID.sub("<id>", turn.world), *_words(moment))
        for turn in run.turns
        for moment in turn.moments or (Moment("", ""),)
    ]


def _words(moment: Moment) -> tuple[str, ...]:
    place = moment.place
    return (
        moment.worker, moment.text, moment.result, moment.note,
        f"{place.file} {place.function} {place.code.strip()}" if place else "",
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_is_what_happens(name: str, watched: WatchedExplorer) -> None:
    """Of the code that everyone writes, each word; of what holds, that it holds.

    What holds runs the services and the outbox, whose statements grow a column now and then.
    """
    forms = {form.name: form for _, form in scenario.get(name).forms()}
    recording = recorded(name)
    naive, holds = recording.forms[0], recording.forms[-1]
    (now,) = make.record_runs(watched, forms[naive.name].question, [naive.runs[0].wanted])
    assert told(now) == told(naive.runs[0]), AGAIN.format(name)
    assert (now.message, now.schedule) == (naive.runs[0].message, naive.runs[0].schedule)
    (now,) = make.record_runs(watched, forms[holds.name].question, [holds.runs[0].wanted])
    assert (now.message, holds.runs[0].message) == ("", "")


@pytest.mark.parametrize("name", NAMES)
def test_every_form_is_recorded_and_does_what_it_is_said_to_do(name: str) -> None:
    forms = [(form.name, kind) for kind, form in scenario.get(name).forms()]
    recording = recorded(name)
    assert [(form.name, form.kind) for form in recording.forms] == forms, AGAIN.format(name)
    for form in recording.forms:
        broken = [run.wanted for run in form.runs if not run.holds]
        assert bool(broken) == (form.kind == NAIVE), f"{form.name}: {broken}"


@pytest.mark.parametrize("name", NAMES)
def test_the_lines_shown_are_in_the_source(name: str) -> None:
    places = {
        moment.place
        for form in recorded(name).forms
        for run in form.runs
        for _, moment in run.moments()
        if moment.place
    }
    assert places
    gone = [f"{place.file}: {place.code.strip()}" for place in places if not source.now(place)]
    assert not gone, AGAIN.format(name)


def test_what_went_wrong_is_told_from_the_run() -> None:
    wanted = {
        ("one_credit_is_spent_once", "read, check, save"): [
            "A read races_account at step 1 (credits=1)",
            "B changed that at step 3: “UPDATE races_account SET credits = 0 …”",
            "at step 5 it did what it had worked out from step 1",
        ],
        ("crossed_locks_do_not_deadlock", "each in its own order"): ["Nobody can go on"],
        ("a_lost_commit_reply_buys_once", "ask again"): ["only its reply was lost"],
        ("a_lock_is_released_by_its_owner", "DEL"): ["the world outside struck"],
        ("an_acknowledgement_decides_nothing", "acknowledged late"): ["was killed at step"],
    }
    for (name, strategy), fragments in wanted.items():
        form = recorded(name).form(strategy)
        assert form is not None
        run = next(run for run in form.own() if not run.holds)
        assert all(fragment in run.sentence for fragment in fragments), run.sentence
        assert 0 < run.fault <= len(run.turns)


def test_the_same_schedule_under_the_row_lock_waits_where_the_naive_code_read_on() -> None:
    recording = recorded("one_credit_is_spent_once")
    naive, lock = recording.form("read, check, save"), recording.form("row lock")
    assert naive is not None
    assert lock is not None
    broken, held = naive.find("A*1 B*3 A*2"), lock.find("A*1 B*3 A*2")
    assert broken is not None
    assert held is not None
    assert (broken.fault, broken.lost, held.message) == (5, 2, "")
    assert held.turns[1].moments[0].note == "waits for A"
    assert held.turns[2].missed == "B waits"
    commit = next(row for row, (_, each) in enumerate(held.moments(), 1) if each.text == "COMMIT")
    spans = [(span.worker, span.kind, span.first, span.last) for span in held.spans]
    assert spans[:2] == [("A", "hold", 1, commit), ("B", "wait", 2, commit + 1)]


def test_a_recording_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    recording = replace(recorded("price_edits_lose_nothing"), scenario="elsewhere")
    library.put(recording, tmp_path)
    written = (tmp_path / "elsewhere.json").read_text()
    assert library.from_json(json.loads(written)) == recording
    run = recording.forms[0].runs[0]
    assert library.single_from_json(library.single_to_json(run)) == run


def test_a_trial_refuses_a_schedule_that_does_not_fit(watched: WatchedExplorer) -> None:
    question = scenario.get("one_credit_is_spent_once").naive[0].question
    with pytest.raises(ScheduleDoesNotFit, match=r"leaves the tree at its step 5, B, after A\*1"):
        try_race.demand_fit(watched, question, "A*1 B*9")


def test_an_exploration_ends_at_the_first_schedule_that_breaks_it(watched: WatchedExplorer) -> None:
    race = scenario.get("price_edits_lose_nothing")
    found, words = try_race.explore(watched, race.naive[0].question, seconds=20)
    assert (found, words["complete"]) == ("A*1 B*2 A*1", False)
    found, words = try_race.explore(watched, race.holds[0].question, seconds=20)
    assert words["complete"]
    found, words = try_race.explore(watched, race.holds[1].question, seconds=0)
    assert (words["tried"], words["complete"]) == (1, False)
