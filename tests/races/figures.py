"""The figures of the race suite, printed at the end of a test run: what was explored, how fast."""

from typing import Any

KEYS = ("scenarios", "schedules", "crash_points", "seconds")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what the tests recorded, in whichever process they ran."""
    recorded = [
        figures
        for reports in terminalreporter.stats.values()
        for each in reports
        if getattr(each, "when", "") == "teardown"  # the fixture records when it is done
        for name, figures in each.user_properties
        if name == "races"
    ]
    if not recorded:
        return
    total = {key: sum(figures[key] for figures in recorded) for key in KEYS}
    rate = total["schedules"] / total["seconds"] if total["seconds"] else 0
    terminalreporter.write_sep("-", "races")
    terminalreporter.write_line(
        f"{total['scenarios']} scenarios, {total['schedules']} schedules, "
        f"{total['crash_points']} crash points in {total['seconds']:.1f} s ({rate:.0f} a second)"
    )
