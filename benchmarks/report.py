"""README.md from results.json: everything between the two marks is written by this script."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import goals, results
from benchmarks.credits import report as credit_report
from benchmarks.names import WHAT

BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- end of the figures -->"
TEMPLATE = Path(__file__).parent / "README.md"

BUSY = 0.25
"""The share of the cores in use just before a part from which on a missed goal is to be retried."""


def write(out: Path) -> None:
    """Put the figures of `out`/results.json into `out`/README.md."""
    known = results.read(out / "results.json")
    if not known:
        return
    before, _, rest = TEMPLATE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    sections = [_conditions(known), *(make(known) for make in _SECTIONS)]
    figures = "\n\n".join(section for section in sections if section)
    (out / "README.md").write_text(
        f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}", encoding="utf-8"
    )


def _conditions(known: dict[str, Any]) -> str:
    machine = known["machine"]
    rows = [
        [
            part,
            one["at"],
            one["size"],
            f"{one['seconds']:.0f}",
            f"{one['busy_before']:.0%}" if "busy_before" in one else "",
            one["load_before"],
            one["load_after"],
        ]
        for part, one in machine["taken"].items()
    ]
    heads = ["part", "begun (UTC)", "size", "seconds", "busy before", "load before", "load after"]
    return (
        f"Taken on {machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}.\n\n" + _table(heads, rows)
    )


def _drain(known: dict[str, Any]) -> str:
    figures = known.get("drain", {})
    if not figures:
        return ""
    base = figures.get("celery_naive", {}).get("median")
    ordered = sorted(figures.items(), key=lambda item: -item[1]["median"])
    rows = [
        [
            f"`{name}`",
            WHAT.get(name, ""),
            f"{one['median']:,.0f}",
            f"{one['min']:,.0f}-{one['max']:,.0f}",
            f"{one['median'] / base:.2f}" if base else "",
            _sums(one),
            _cpu(one["cpu_ms_per_job"]),
            f"{one['others_used']:.0%}",
        ]
        for name, one in ordered
    ]
    heads = ["", "", "jobs/s", "min-max", "times naive", "sums kept", "CPU ms/job", "others used"]
    missing = [f"Not here: `{name}` ({why})." for name, why in known.get("missing", {}).items()]
    return "\n\n".join(["### Drain", _table(heads, rows), *missing])


def _latency(known: dict[str, Any]) -> str:
    figures = known.get("latency", {})
    if not figures:
        return ""
    columns = ["p50_ms", "p99_ms", "p999_ms", "max_ms", "samples", "jobs_per_second"]
    rows = [
        [
            f"`{name}`",
            *(one[column] for column in columns),
            _sums(one) if "sums_kept" in one else "",
            f"{one['others_used']:.0%}",
        ]
        for name, one in figures.items()
    ]
    heads = ["", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "samples", "jobs/s"]
    heads += ["sums kept", "others used"]
    return "### Commit → effect\n\n" + _table(heads, rows)


def _enqueue(known: dict[str, Any]) -> str:
    figures = known.get("enqueue", {})
    rows = [
        [name, one["ms"], f"{one['min_ms']}-{one['max_ms']}", f"{one['per_second']:,.0f}"]
        for name, one in figures.items()
        if isinstance(one, dict)
    ]
    if not rows:
        return ""
    ratios = [
        f"{name.replace('_', ' ')}: {one}" for name, one in figures.items() if "ratio" in name
    ]
    table = _table(["", "ms", "min-max", "per second"], rows)
    return f"### Enqueue\n\n{table}\n\n{'; '.join(ratios)}"


def _growth(known: dict[str, Any]) -> str:
    figures = known.get("growth", {})
    if not figures:
        return ""
    opened = figures["open_transaction"]
    columns = {name: one for name, one in figures.items() if name.startswith("finished_")}
    columns["largest / none"] = figures["largest_ratio"]
    columns["before"] = opened["before"]
    columns[f"after {opened['drained']:,} beside an open transaction"] = opened["after"]
    columns["after / before"] = opened["largest_ratio"]
    rows = [
        [name.replace("_ms", ", ms"), *(column[name] for column in columns.values())]
        for name in opened["before"]
    ]
    heads = ["", *(name.replace("finished_", "finished: ") for name in columns)]
    return "### Growth\n\n" + _table(heads, rows)


def _others(known: dict[str, Any]) -> str:
    profile = {**known.get("profile", {})}
    pruning = {**known.get("growth", {}).get("pruning", {})}
    pruning.pop("rows", None)
    ordinary = profile.pop("ordinary", {})
    tables = {**known, "profile": profile, "ordinary": ordinary, "pruning": pruning}
    return "\n\n".join(
        f"### {title}\n\n" + _flat(tables[name])
        for name, title in _PLAIN.items()
        if tables.get(name)
    )


def _goals(known: dict[str, Any]) -> str:
    rows = [
        [*(goal.text, goal.wanted, goal.measured, goal.verdict), *_around(known, goal)]
        for goal in goals.of(known)
    ]
    heads = ["goal", "wanted", "measured", "", "why", "load"]
    return "### Goals\n\n" + _table(heads, rows) if rows else ""


def _around(known: dict[str, Any], goal: goals.Goal) -> tuple[str, str]:
    """Why, and the load average before and after the part that measured it."""
    taken = known["machine"]["taken"].get(goal.part)
    if taken is None:
        return goal.why, ""
    busy = not goal.reached and taken.get("busy_before", 0.0) >= BUSY
    note = "Others kept the machine busy; take it again on a quiet one. " if busy else ""
    return (note + goal.why).strip(), f"{taken['load_before']} → {taken['load_after']}"


_SECTIONS = [_goals, _drain, credit_report.section, _latency, _enqueue, _growth, _others]
_PLAIN = {
    "pruning": "Growth: while old rows are pruned",
    "scaling": "Worker processes, and one hot account",
    "share": "What exactly once costs",
    "profile": "A message of a batch of 500, by statement: microseconds of CPU",
    "ordinary": "An ordinary message, by statement: microseconds by the clock and of CPU",
    "backlog": "A backlog",
    "sustained": "Enqueue and drain together",
}


def _flat(figures: dict[str, Any]) -> str:
    """A table of one level of names: a row each, its figures as columns."""
    heads = sorted({head for one in figures.values() for head in one}, key=_first_seen(figures))
    rows = [[f"`{name}`", *(one.get(head, "") for head in heads)] for name, one in figures.items()]
    return _table(["", *(head.replace("_", " ") for head in heads)], rows)


def _first_seen(figures: dict[str, Any]) -> Any:
    order = list(dict.fromkeys(head for one in figures.values() for head in one))
    return order.index


def _sums(one: dict[str, Any]) -> str:
    if one["sums_kept"]:
        return "yes"
    names = ("lost_jobs", "doubled_jobs", "lost_deductions", "wrong_outcomes")
    wrong = [f"{one[name]} {name.replace('_', ' ')}" for name in names if one[name]]
    return f"**no**: {', '.join(wrong)} of {one['jobs']}"


def _cpu(used: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in used.items() if value)


def _table(heads: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
