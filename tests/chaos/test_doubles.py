"""A second process beside the first is a fault where it lives; one that cannot begin is none."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos.faults import Site, doubles
from chaos.keeper import Keeper
from config.embedded.child import Child, python
from tests.stack import Stack


class Place:
    """Of `chaos.stack.Stack` what these faults use, in a test's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keeper = Keeper()

    def keep(self, child: Child) -> None:
        self.keeper.keep(child)

    def child(self, name: str, *arguments: str) -> Child:
        return Child(name, python(*arguments), self.folder / f"{name}.log", {"PROCESS_NAME": name})


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.keeper.start()
    yield place
    place.keeper.stop()


def site_of(place: Any) -> Site:
    return Site(place, None, longest=1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "name", "says"),
    [
        (doubles.beats, "beat-2", ""),
        (doubles.relays, "relay-2", ""),
        (doubles.worker_with_another_clock, "worker-clock", "ready."),
    ],
)
def test_the_second_one_lives(stack: Stack, place: Place, fault: Any, name: str, says: str) -> None:
    asked_at = time.time()
    lasting = fault(site_of(place))
    assert lasting.since is not None
    assert lasting.since > asked_at + doubles.LIVES - 1, "from when it lives"
    log = place.folder / f"{name}.log"
    stack.wait_until(lambda: says in log.read_text())
    assert place.keeper.age(name) >= doubles.LIVES, "it was started once"
    lasting.end()
    assert place.keeper.age(name) == 0


def test_one_that_cannot_begin_is_no_fault(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubles, "LONGEST_START", 1.0)
    monkeypatch.setattr(doubles, "CELERY", ("-m", "no_such_module"))
    with pytest.raises(LookupError, match="beat-2 ends as soon as it is started"):
        doubles.beats(site_of(place))
    assert not place.keeper.pids()
