"""The line at the end of a test run: what was explored, in how much work and how much time."""

from types import SimpleNamespace
from typing import Literal

import pytest

from tests.races import figures


def _phase(
    test: str, when: Literal["setup", "teardown"], start: float, *explored: int
) -> pytest.TestReport:
    kept = [("races", dict(zip(figures.KEYS, explored, strict=True)))] if explored else []
    return pytest.TestReport(
        test, (test, 0, test), {}, "passed", None, when,
        start=start, stop=start + 1, user_properties=kept,
    )  # fmt: skip


def test_the_line_adds_up_work_and_says_how_long_it_took() -> None:
    """Two processes work at once: their seconds are added, the clock's are not."""
    lines: list[str] = []
    phases = [
        _phase("a", "setup", 10),
        _phase("a", "teardown", 25, 1, 40, 3, 15),
        _phase("b", "setup", 11),
        _phase("b", "teardown", 30, 1, 20, 4, 15),
        _phase("no race", "teardown", 99),
    ]
    reporter = SimpleNamespace(
        stats={"": phases, "deselected": [object()]},
        write_sep=lambda *words: None,
        write_line=lines.append,
    )
    figures.pytest_terminal_summary(reporter)
    assert lines == [
        "2 scenarios, 60 schedules, 7 crash points in 30.0 s (2 a second), "
        "21 s from the first to the last"
    ]
