"""Draws a run as people draw races on a board: a column for each worker, time going down."""

import textwrap
from collections.abc import Sequence

from .step import Moment

WIDTH = 46


def draw(workers: Sequence[str], moments: Sequence[Moment], width: int = WIDTH) -> str:
    """The timeline as text: numbered rows, one column per worker."""
    lines = [_line("#", list(workers), width), _rule(len(workers), width)]
    for number, moment in enumerate(moments, start=1):
        column = list(workers).index(moment.worker)
        for row, part in enumerate(_wrapped(moment, width)):
            cells = [""] * len(workers)
            cells[column] = part
            lines.append(_line("" if row else str(number), cells, width))
    return "\n".join(lines)


def text(moment: Moment) -> str:
    """One moment in words."""
    return " ".join(part for part in (moment.text, moment.result, _note(moment)) if part)


def workers(moments: Sequence[Moment], known: Sequence[str]) -> list[str]:
    """The columns: the workers in their order, those delivered again beside the first."""
    seen = {moment.worker for moment in moments} | set(known)
    return sorted(seen, key=lambda name: (_rank(name, known), name))


def _rank(name: str, known: Sequence[str]) -> int:
    first = name.rstrip("'")
    return list(known).index(first) if first in known else len(known)


def _note(moment: Moment) -> str:
    return f"[{moment.note}]" if moment.note else ""


def _wrapped(moment: Moment, width: int) -> list[str]:
    return textwrap.wrap(shorten(text(moment)), width, subsequent_indent="  ") or [""]


def shorten(words: str, limit: int = 330) -> str:
    """What does not fit says little."""
    return words if len(words) <= limit else words[: limit - 1] + "…"


def _line(number: str, cells: Sequence[str], width: int) -> str:
    return (f"{number:>3} | " + " | ".join(f"{cell:<{width}}" for cell in cells)).rstrip()


def _rule(columns: int, width: int) -> str:
    return "----|-" + "-|-".join("-" * width for _ in range(columns))
