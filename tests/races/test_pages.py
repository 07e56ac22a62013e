"""The pages in docs/races/ say what the explorer says."""

import json

from races import pages, scenario
from races.explorer import Verdict
from races.report import Entry
from races.scenario import HOLDS, NAIVE
from races.spare import SPARE

OTHERS = {"README", "necessity", "beside-frontrun"}
AGAIN = "run `manage.py races --mutants --pages --repeat 100`"


def test_each_race_has_its_page_and_each_page_its_race() -> None:
    written = {file.stem for file in pages.FOLDER.glob("*.md")}
    assert written - OTHERS == set(scenario.scenarios()), AGAIN


def test_each_page_says_what_its_scenario_says() -> None:
    for name, each in scenario.scenarios().items():
        page = (pages.FOLDER / f"{name}.md").read_text()
        wanted = [each.claim, each.why, each.cure, each.refuses]
        wanted += [form.what for _, form in each.forms()]
        assert all(text in page for text in wanted), name
        assert "was not broken" not in page
        assert "broken:" not in page.partition("## The forms that hold")[2]


def test_a_page_names_each_bound_where_schedules_and_deaths_have_their_own() -> None:
    race = scenario.get("one_bad_message_does_not_hold_up_its_batch")
    (form,) = (form for form in race.holds if form.ours)
    bounded = Verdict(schedules=9, bound=1, deaths_within=0)
    assert "1 preemptions, 0 beside a death" in pages.page([Entry(race, HOLDS, form, bounded)])


def test_the_index_names_every_race() -> None:
    index = (pages.FOLDER / "README.md").read_text()
    for name, each in scenario.scenarios().items():
        assert f"[{each.claim}]({name}.md)" in index


def test_the_index_says_what_was_left_out() -> None:
    """A reader must not take a bounded search for a proof, nor one without deaths for one with."""
    results = json.loads((pages.FOLDER / "results.json").read_text())["scenarios"]
    index = pages.index(results).partition("## What was left out")[2]
    beside, _, rest = index.partition("- Explored without deaths, of our own")
    living, _, rest = rest.partition("- Explored without deaths, of the forms")
    undying, _, rest = rest.partition("- Explored with one worker only")
    alone, _, rest = rest.partition("- Every schedule of the living")
    deaths, _, bounded = rest.partition("- Bounded")
    killed = {(each["name"], each["strategy"]) for each in results if each["crash_points"]}
    ours = [each for each in results if each["form"] == HOLDS and each["ours"]]
    for each in results:
        named = f"({each['name']}.md), {each['strategy']}"
        holds, other = each["form"] == HOLDS, not each["ours"]
        assert _lists(undying, named) == (holds and other and not each["crash_points"]), named
        assert _lists(alone, named) == (holds and each["workers"] == 1), named
    for each in ours:
        named = f"({each['name']}.md), {each['strategy']}"
        assert (f"{named} (" in bounded) == (each["bounded"] is not None), named
        assert (f"{named} (" in deaths) == (each["deaths_within"] is not None), named
        assert each["complete"] or f"{named} (" in deaths + bounded, named
        strategy = each["strategy"]
        others = {f"{strategy}, killed", strategy.removesuffix(", three")}
        dies = [other for other in others if (each["name"], other) in killed]
        lives = not each["crash_points"]
        assert any(f"{named} (beside it: {other})" in beside for other in dies) == (
            lives and bool(dies)
        ), named
        assert _lists(living, named) == (lives and not dies), named


def test_the_index_keeps_a_death_at_every_point_from_one_within_a_bound() -> None:
    some = {"name": "price_edits_lose_nothing", "form": HOLDS, "strategy": "x", "ours": True,
            "workers": 2, "schedules": 3, "crash_points": 1, "complete": True, "bounded": None,
            "deaths_within": None, "violations": 0, "schedule": "A*1"}  # fmt: skip
    bounded = some | {"complete": False}
    results = [
        *[some] * 2,
        *[some | {"workers": 1}] * 3,
        some | {"workers": 3, "crash_points": 0},
        *[bounded | {"bounded": 1, "deaths_within": 0}, bounded | {"deaths_within": 0}] * 2,
        bounded | {"bounded": 0},
        bounded | {"bounded": 1},
        *[bounded | {"bounded": 2, "crash_points": 0}] * 3,
        some | {"ours": False},
    ]
    assert (
        "- Of the 15 forms that run this project's own services 2 are explored completely with two "
        "or more workers and a death at every point under every interleaving, 3 with one worker "
        "alone and a death at every point, 1 completely without deaths. The other 9 are bounded: 5 "
        "with a death at the points that schedules without a preemption reach, 1 at those within "
        "some more preemptions, 3 without deaths.\n"
    ) in pages.index(results)


def test_the_index_and_the_lab_say_which_clocks_are_taken_out() -> None:
    results = json.loads((pages.FOLDER / "results.json").read_text())["scenarios"]
    lab = " ".join((pages.FOLDER.parent / "race-lab.md").read_text().split())
    for text in (pages.index(results), lab):
        assert "a run record names one message, a dispatch's time slice is an hour, no mark" in text
        assert "holds a dispatch back, and deliveries are not counted" in text
        assert "decisions/0032-a-race-runs-without-clocks.md" in text


def test_every_schedule_that_breaks_was_found_again_100_times() -> None:
    results = json.loads((pages.FOLDER / "results.json").read_text())["scenarios"]
    for each in results:
        if each["form"] == NAIVE:
            again = (each.get("repeated"), each.get("found_again"))
            assert again == (100, 100), (each["name"], each["strategy"], AGAIN)


def test_beside_another_explorer_stand_the_forms_that_both_can_run() -> None:
    some = {"name": "one_credit_is_spent_once", "strategy": "x", "complete": True,
            "crash_points": 1, "violations": 0, "seconds": 2.0}  # fmt: skip
    results = [
        some | {"form": NAIVE, "violations": 1, "complete": False, "seconds": 0.3},
        some | {"form": NAIVE, "strategy": "Redis lock", "seconds": 99},
        *[some | {"form": HOLDS}] * 2,
        some | {"form": HOLDS, "crash_points": 0, "seconds": 26.9},
        some | {"form": HOLDS, "complete": False},
        some | {"form": HOLDS, "name": "price_edits_lose_nothing", "seconds": 99},
    ]
    row = "| 1 of 1 | 3 of 4, 2 of them with a death at every point | 0.3 to 27 s |"
    assert row in pages.beside(results)


def _lists(line: str, named: str) -> bool:
    return f"{named};" in line or f"{named}." in line


def test_the_index_says_how_many_work_and_what_a_proof_leaves_open() -> None:
    results = json.loads((pages.FOLDER / "results.json").read_text())["scenarios"]
    index = pages.index(results)
    (row,) = (line for line in index.splitlines() if line.startswith("| [Done is"))
    assert row.split("|")[4].strip() == "1, 2"
    for open_question in (
        "of so many workers",
        "may let another one overtake them",
        "of several only their order is a choice",
        "by rearranging the queue",
    ):
        assert open_question in index


def test_the_index_and_the_table_of_removals_are_made_of_the_results() -> None:
    results = json.loads((pages.FOLDER / "results.json").read_text())
    for name, page in (
        ("README", pages.index(results["scenarios"])),
        ("necessity", pages.necessity(results["mutants"])),
        ("beside-frontrun", pages.beside(results["scenarios"])),
    ):
        assert (pages.FOLDER / f"{name}.md").read_text() == page, AGAIN


def test_every_removal_breaks_or_says_what_it_is_there_for() -> None:
    table = (pages.FOLDER / "necessity.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("| [")]
    assert rows
    assert not [row for row in rows if row.endswith("| ? |")]
    assert {NAIVE, HOLDS} == {kind for each in scenario.scenarios().values()
                              for kind, _ in each.forms()}  # fmt: skip


def test_a_reason_that_points_to_another_race_points_to_a_removal_that_breaks_it() -> None:
    tried = json.loads((pages.FOLDER / "results.json").read_text())["mutants"]
    broken = {(each["scenario"], _of(each)) for each in tried if each["broken"]}
    for each in tried:
        for other in scenario.scenarios():
            if other in each["reason"]:
                assert (other, _of(each)) in broken, (each["scenario"], each["removed"], other)


def test_a_form_names_nothing_as_spare_without_which_it_breaks() -> None:
    tried = json.loads((pages.FOLDER / "results.json").read_text())["mutants"]
    for name, each in scenario.scenarios().items():
        for _, form in each.forms():
            its = [row for row in tried if (row["scenario"], row["strategy"]) == (name, form.name)]
            for part in form.spare:
                met = [row for row in its if part in row["removed"]]
                needed = [row for row in met if row["broken"] and not pages.fails(row["message"])]
                assert not met or needed != met, (name, form.name, part)


def test_each_reason_on_the_page_is_the_one_its_form_gives() -> None:
    tried = json.loads((pages.FOLDER / "results.json").read_text())["mutants"]
    for each in tried:
        if each["reason"]:
            named = {form.name: form for _, form in scenario.get(each["scenario"]).forms()}
            said = {**named[each["strategy"]].spare, **SPARE}
            reasons = [why for part, why in said.items() if part in each["removed"]]
            assert each["reason"] == reasons[0], (each["scenario"], each["removed"], AGAIN)


def _of(mutant: dict[str, str]) -> str:
    """The table that the removal is about, or the statement's verb where that is all it says."""
    return mutant["removed"].rpartition(" ")[2]


def test_the_sum_says_what_is_proven_and_what_of_it_is_ours() -> None:
    some = {"name": "price_edits_lose_nothing", "strategy": "x", "workers": 2, "schedules": 3,
            "crash_points": 1, "bounded": None, "deaths_within": None, "violations": 0,
            "schedule": "A*1"}  # fmt: skip
    results = [
        some | {"form": NAIVE, "violations": 1, "complete": False, "ours": False},
        some | {"form": HOLDS, "complete": True, "ours": False, "crash_points": 0},
        some | {"form": HOLDS, "complete": True, "ours": True, "workers": 1},
        some | {"form": HOLDS, "complete": False, "ours": True, "bounded": 1},
    ]
    assert (
        "1 races; 1 naive forms, all broken; 3 that hold, 2 of them proven (1 with a death at "
        "every point, of these 1 of one worker only, and 1 of the living alone); of our own 2: "
        "1 proven (1 of them of one worker only), 1 bounded in part. 12 schedules, 3 crash points."
    ) in pages.index(results)
    results[0]["violations"] = 0
    assert "1 naive forms, 0 broken" in pages.index(results)


def test_the_readme_says_what_of_our_own_is_proven_of_two_and_what_of_one() -> None:
    results = json.loads((pages.FOLDER / "results.json").read_text())["scenarios"]
    ours = [each for each in results if each["form"] == HOLDS and each["ours"]]
    proven = [each for each in ours if each["complete"]]
    alone = [each for each in proven if each["workers"] == 1]
    assert all(each["crash_points"] for each in alone)
    dying = [each for each in proven if each["workers"] > 1 and each["crash_points"]]
    assert (
        f"of our own {len(ours)} forms {len(dying)} proven in every interleaving of two or three "
        f"workers with a death at each point, {len(proven) - len(alone) - len(dying)} without "
        f"deaths, {len(alone)} of one worker with a death at each point, "
        f"{len(ours) - len(proven)} within bounds"
    ) in (pages.FOLDER.parents[1] / "README.md").read_text()


def test_a_race_without_our_code_says_where_it_stands() -> None:
    """Or that there is none; both are said of a race none of whose forms is ours."""
    for each in scenario.scenarios().values():
        ours = any(form.ours for _, form in each.forms())
        assert not (ours and each.elsewhere), each.name
        if each.elsewhere:
            link = each.elsewhere.partition("(")[2].partition(".md)")[0]
            covering = scenario.get(link)
            assert any(form.ours for _, form in covering.forms()), each.name
            assert each.elsewhere in pages.note(each)
            assert "no service of this kind" not in pages.note(each)
