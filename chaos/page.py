"""docs/chaos.md: the table of a run, written between two marks of the page."""

from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "chaos.md"
RECOVERY = ("p50", "p99", "alone_max", "max")
BEGIN, END = "<!-- written by manage.py chaos --docs -->", "<!-- end -->"


def write(found: dict[str, Any]) -> None:
    """Put this run's table in the place of the last one's."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{after}")


def table(found: dict[str, Any]) -> str:
    """The run in words, and a line for each kind of fault."""
    effects = found["effects"]
    lines = [
        "",
        f"{found['day']}: **{found['messages']:,} messages, {found['faults']} faults of "
        f"{len(found['kinds'])} kinds, "
        f"{found['lost']} lost, {found['doubled']} doubled.** Seed {found['seed']}; "
        f"{found['seconds'] / 60:.0f} minutes on {found['cores']} cores (load average of the last "
        f"quarter of an hour {found['load_average'][2]:g}).",
        "",
        f"{sum(found['requests'].values()):,} requests, sent {found['sent']:,} times; "
        f"{found['indeterminate']} stayed without an answer, and of each all or nothing was there. "
        f"{effects['reductions']:,} reductions ({effects['price_changes']:,} price changes), "
        f"{effects['texts']:,} texts of {effects['campaigns']:,} campaigns, "
        f"{effects['orders']:,} orders ({effects['orders_with_a_person']} with a person), "
        f"{effects['bare_effects']:,} bare effects. "
        f"{found['live_checks']:,} rounds of live checks. "
        f"After the last fault no message was due for longer than "
        f"{found['longest_due_after_faults_s']:.1f} s.",
        "",
        "Recovery is that of the faults which came alone (of fewer than a hundred, p99 is the "
        "worst); the last column has the worst of all, also of those that came in the same moment "
        "as another one or while one was on. A provider's faults are timed by the texts and the "
        "orders that asked it.",
        "",
        "| fault | count | alone | lost | doubled | recovery p50 | p99 | worst alone | worst |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, row in found["kinds"].items():
        times = [_seconds(row[f"recovery_{which}_s"]) for which in RECOVERY]
        counts = [row[count] for count in ("count", "alone", "lost", "doubled")]
        cells = [kind.replace("_", " "), *counts, *times]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join([*lines, ""])


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
