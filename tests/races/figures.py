"""The figures of the race suite, printed at the end of a test run: what was explored, how fast."""

from typing import Any

import pytest

KEYS = ("scenarios", "schedules", "crash_points", "seconds")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what the tests recorded, in whichever process they ran."""
    phases = [
        each
        for reports in terminalreporter.stats.values()
        for each in reports
        if isinstance(each, pytest.TestReport)
    ]
    found = [
        (each.nodeid, figures)
        for each in phases
        if each.when == "teardown"  # the fixture records when it is done
        for name, figures in each.user_properties
        if name == "races"
    ]
    if not found:
        return
    tests = {test for test, _ in found}
    recorded: list[Any] = [figures for _, figures in found]
    spans = [(each.start, each.stop) for each in phases if each.nodeid in tests]
    wall = max(stop for _, stop in spans) - min(start for start, _ in spans)
    total = {key: sum(figures[key] for figures in recorded) for key in KEYS}
    rate = total["schedules"] / total["seconds"] if total["seconds"] else 0
    terminalreporter.write_sep("-", "races")
    terminalreporter.write_line(
        f"{total['scenarios']} scenarios, {total['schedules']} schedules, "
        f"{total['crash_points']} crash points in {total['seconds']:.1f} s ({rate:.0f} a second), "
        f"{wall:.0f} s from the first to the last"
    )
