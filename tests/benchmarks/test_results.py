"""One file speaks of one machine, and of what was measured last."""

from typing import Any

from benchmarks import results

HERE = {"cores": 2, "processor": "a"}


def put(known: dict[str, Any], name: str, found: dict[str, Any], size: str) -> dict[str, Any]:
    conditions = {"at": "2026-01-02T00:00:00+00:00", "size": size}
    return results.put(known, name, found, conditions, HERE)


def test_another_part_stays() -> None:
    known = put(put({}, "drain", {"ours": 1}, "full"), "growth", {"flat": 2}, "full")
    assert (known["drain"], known["growth"]) == ({"ours": 1}, {"flat": 2})
    assert list(known["machine"]["taken"]) == ["drain", "growth"]


def test_what_another_machine_has_measured_is_dropped(capsys: Any) -> None:
    there = {"drain": {"ours": 9}, "machine": {"cores": 64, "taken": {"drain": {"size": "full"}}}}
    known = put(there, "growth", {"flat": 2}, "full")
    assert "drain" not in known
    assert known["machine"] == HERE | {"taken": {"growth": known["machine"]["taken"]["growth"]}}
    assert "another machine: drain" in capsys.readouterr().out


def test_a_peer_is_missing_no_longer_once_it_runs() -> None:
    known = put({}, "drain", {"missing": {"rq": "no pip"}}, "full")
    assert known["missing"] == {"rq": "no pip"}
    assert not put(known, "drain", {"rq": 1, "missing": {}}, "full")["missing"]


def test_figures_of_another_size_are_not_replaced_silently(capsys: Any) -> None:
    known = put({}, "drain", {"ours": 1}, "full")
    assert not capsys.readouterr().out
    put(known, "drain", {"ours": 2}, "quick")
    assert "drain: replaces" in capsys.readouterr().out
