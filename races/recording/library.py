"""The recordings as files: one for each scenario, small enough to read in a diff."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from races.recording.data import Form, Moment, Place, Recording, Run, Span, Turn

FOLDER = Path(__file__).resolve().parents[1] / "recordings"
VERSION = 1
"""Of the format; a file of another version is not read."""


def names() -> list[str]:
    """The scenarios of which there is a recording."""
    return sorted(file.stem for file in FOLDER.glob("*.json") if file.stem != "hot")


@lru_cache(maxsize=64)
def get(name: str) -> Recording | None:
    """The recording of a scenario, if there is one; read once per process."""
    file = FOLDER / f"{name}.json"
    if not name.isidentifier() or not file.exists():
        return None
    return from_json(json.loads(file.read_text()))


def put(recording: Recording, folder: Path = FOLDER) -> None:
    """Write a recording, one run a line."""
    document = to_json(recording)
    forms = document.pop("forms")
    head = _dump(document)[:-1]
    lines = [f'{head},\n"forms":[']
    for number, form in enumerate(forms):
        runs = form.pop("runs")
        lines.append(_dump(form)[:-1] + ',"runs":[')
        lines.append(",\n".join(_dump(run) for run in runs))
        lines.append("]}" + ("," if number < len(forms) - 1 else ""))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{recording.scenario}.json").write_text("\n".join([*lines, "]}"]) + "\n")


class _Table:
    """Things that come up often, each kept once and named by its number."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, row: Any) -> int:
        if row not in self._numbers:
            self._numbers[row] = len(self.rows)
            self.rows.append(row)
        return self._numbers[row]


def to_json(recording: Recording) -> dict[str, Any]:
    """As JSON has it."""
    texts, places = _Table(), _Table()
    forms = [
        {
            "name": form.name, "kind": form.kind, "all": form.all, "broken": form.broken,
            "proven": form.proven, "deaths": form.deaths,
            "runs": [run_to_json(run, texts, places) for run in form.runs],
        }
        for form in recording.forms
    ]  # fmt: skip
    return {
        "version": VERSION,
        "scenario": recording.scenario,
        "texts": texts.rows,
        "places": [_place_to_json(place) for place in places.rows],
        "forms": forms,
    }


def from_json(document: dict[str, Any]) -> Recording:
    """Back again; raises ValueError where it is of another version."""
    if document["version"] != VERSION:
        raise ValueError(f"A recording of version {document['version']}; this reads {VERSION}.")
    texts = document["texts"]
    places = [_place_from_json(row) for row in document["places"]]
    return Recording(
        document["scenario"],
        tuple(
            Form(
                form["name"], form["kind"],
                tuple(run_from_json(run, texts, places) for run in form["runs"]),
                form["all"], form["broken"], form["proven"], form["deaths"],
            )
            for form in document["forms"]
        ),
    )  # fmt: skip


def run_to_json(run: Run, texts: _Table, places: _Table) -> dict[str, Any]:
    """One run; what comes up often goes into the two tables."""
    workers = list(run.workers)

    def moment(each: Moment) -> list[int]:
        words = [texts.number(word) for word in (each.text, each.result, each.note)]
        place = -1 if each.place is None else places.number(each.place)
        return [workers.index(each.worker), *words, place]

    def turn(each: Turn) -> list[Any]:
        words = [texts.number(word) for word in (each.choice, each.missed, each.could, each.world)]
        return [*words, [moment(one) for one in each.moments]]

    return {
        "wanted": run.wanted, "schedule": run.schedule, "message": run.message,
        "sentence": run.sentence, "fault": run.fault, "lost": run.lost, "workers": workers,
        "spans": [
            [workers.index(span.worker), span.kind, span.what, span.first, span.last]
            for span in run.spans
        ],
        "turns": [turn(each) for each in run.turns],
    }  # fmt: skip


def run_from_json(run: dict[str, Any], texts: list[str], places: list[Place]) -> Run:
    """One run, read back."""
    workers = tuple(run["workers"])

    def moment(row: list[int]) -> Moment:
        worker, text, result, note, place = row
        shown = places[place] if place >= 0 else None
        return Moment(workers[worker], texts[text], texts[result], texts[note], shown)

    def turn(row: list[Any]) -> Turn:
        choice, missed, could, world, moments = row
        made = tuple(moment(each) for each in moments)
        return Turn(texts[choice], made, texts[missed], texts[could], texts[world])

    return Run(
        run["wanted"], run["schedule"], workers, tuple(turn(row) for row in run["turns"]),
        tuple(Span(workers[row[0]], *row[1:]) for row in run["spans"]),
        run["message"], run["sentence"], run["fault"], run["lost"],
    )  # fmt: skip


def single_to_json(run: Run) -> dict[str, Any]:
    """A run that stands alone, with its own tables."""
    texts, places = _Table(), _Table()
    made = run_to_json(run, texts, places)
    shown = [_place_to_json(place) for place in places.rows]
    return {"version": VERSION, "texts": texts.rows, "places": shown, "run": made}


def single_from_json(document: dict[str, Any]) -> Run:
    """The run that `single_to_json` wrote."""
    places = [_place_from_json(row) for row in document["places"]]
    return run_from_json(document["run"], document["texts"], places)


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _place_to_json(place: Place) -> list[Any]:
    return [place.file, place.function, place.line, place.first, list(place.lines)]


def _place_from_json(row: list[Any]) -> Place:
    file, function, line, first, lines = row
    return Place(file, function, line, first, tuple(lines))
