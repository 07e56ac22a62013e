"""The section of README.md about the credit path."""

from typing import Any

WHAT = {
    "ours": "Onceproof: hold, claim, lease, call, evidence, capture; both transactions of a text",
    "settling": "the look at each text 20 s later, which nearly always finds it settled",
    "ours_with_settling": "both together",
    "celery_naive": "bare Celery, ORM: read, check, send, save",
    "celery_guarded": "bare Celery, ORM: send, then a guarded update, entry and text together",
    "postgres": "PostgreSQL alone, the rows of ours in two transactions for a text (pgbench)",
}


def section(known: dict[str, Any]) -> str:
    """Tables of rates and of ratios; empty where nothing was measured."""
    figures = known.get("credits", {})
    if not figures:
        return ""
    rows = [[f"`{name}`", what, *_cells(figures[name])] for name, what in WHAT.items()]
    held = figures["holding"]
    said = (
        f"Starting a campaign holds the credits of {held['median']:,.0f} texts a second and writes "
        f"their rows ({held['min']:,.0f}-{held['max']:,.0f})."
    )
    ratios = [
        [f"`{name}`", one["median"], f"{one['min']}-{one['max']}"]
        for name, one in figures["ratios"].items()
        if one
    ]
    return "\n\n".join(
        [
            "### Credits, without the provider",
            _table(
                ["", "", "texts/s", "min-max", "sums kept", "CPU ms/text", "others used"],
                rows,
            ),
            _table(["ratio within a round", "median", "min-max"], ratios),
            said,
        ]
    )


def _cells(one: dict[str, Any]) -> list[str]:
    wrong = one["lost_deductions"]
    kept = "yes" if one["sums_kept"] else f"**no**: {wrong} lost deductions of {one['jobs']}"
    cpu = ", ".join(f"{name} {used:.3g}" for name, used in one["cpu_ms_per_job"].items() if used)
    spread = f"{one['min']:,.0f}-{one['max']:,.0f}"
    return [f"{one['median']:,.0f}", spread, kept, cpu, f"{one['others_used']:.0%}"]


def _table(heads: list[str], rows: list[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
