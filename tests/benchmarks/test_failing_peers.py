"""Somebody else's software may fail in any way: the others are measured all the same."""

from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import run
from benchmarks.drain import Drained
from benchmarks.ledger import Sums
from benchmarks.machine import Meter
from benchmarks.peers.catalog import Peer
from benchmarks.sizes import SIZES


class Track:
    """Peers whose names say when they fail."""

    def __init__(self) -> None:
        self.servers = None
        self.crews: dict[str, Any] = {}
        self.results: dict[str, Drained] = {}
        self.ended: list[str] = []
        self.turns: list[str] = []

    def __enter__(self) -> "Track":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, name: str, _: object) -> None:
        if name == "never_starts":
            raise RuntimeError(
                "worker has ended: Traceback\n  of many lines\nno such table: jobs\n"
            )

    def run(self, contender: Any, count: int) -> float:
        self.turns.append(contender.name)
        drained = self.results.setdefault(contender.name, Drained())
        if contender.name == "dies_later" and drained.rates:
            raise OSError
        drained.add(5.0, count, Meter({}), Sums())
        return 5.0

    def end(self, name: str) -> None:
        self.ended.append(name)
        self.results.pop(name, None)


def test_a_peer_that_fails_is_missing_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = [Peer(name, "ruby", (), (), 100) for name in ("never_starts", "dies_later", "lives")]
    monkeypatch.setattr(Peer, "crew", lambda *_: None)
    monkeypatch.setattr(run, "_installed", lambda _: (peers, {"elsewhere": "not found"}))
    track = Track()
    bench = SimpleNamespace(
        size=SIZES["quick"], chosen=lambda _: [], servers=None, track=lambda _: track
    )
    found = run.drain(bench)  # type: ignore[arg-type]
    assert found.pop("missing") == {
        "elsewhere": "not found",
        "never_starts": "failed: no such table: jobs",
        "dies_later": "failed: OSError",
    }
    assert {name: one["runs"] for name, one in found.items()} == {"lives": 3}
    assert track.ended == ["never_starts", "dies_later"]


def test_every_other_round_is_taken_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = [Peer(name, "ruby", (), (), 100) for name in ("one", "other")]
    monkeypatch.setattr(Peer, "crew", lambda *_: None)
    monkeypatch.setattr(run, "_installed", lambda _: (peers, {}))
    track = Track()
    bench = SimpleNamespace(
        size=SIZES["quick"], chosen=lambda _: [], servers=None, track=lambda _: track
    )
    found = run.drain(bench)  # type: ignore[arg-type]
    assert track.turns == ["one", "other", "other", "one", "one", "other"]
    assert found["one"]["rates"] == [5.0, 5.0, 5.0]
