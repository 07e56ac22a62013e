"""The lines of our own source that a step came from, then and now."""

import sys
from functools import lru_cache
from pathlib import Path
from types import FrameType

from races.recording.data import Place

PROJECT = Path(__file__).resolve().parents[2]
AROUND = 3
_NOT_OURS = ("races/explorer/", "races/recording/", ".venv/", "tests/")


def here() -> Place | None:
    """The innermost line of ours in the present call stack, which is where a statement is made."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = _name(frame.f_code.co_filename)
        if name:
            return _place(name, frame.f_code.co_qualname, frame.f_lineno)
        frame = frame.f_back
    return None


def now(place: Place) -> int:
    """The line's number in the source as it is; 0 where it is gone.

    Looked for with the lines around it, and, where those have changed, by itself.
    """
    lines, before = _lines(place.file), place.line - place.first
    whole = [
        first + before + 1
        for first in range(len(lines) - len(place.lines) + 1)
        if lines[first : first + len(place.lines)] == place.lines
    ]
    alone = [number for number, text in enumerate(lines, start=1) if text == place.code]
    return min(whole or alone, key=lambda number: abs(number - place.line), default=0)


@lru_cache(maxsize=4096)
def _name(path: str) -> str:
    """The file's name within the project; empty where it is not ours to show."""
    if not path.startswith(f"{PROJECT}/"):
        return ""
    name = str(Path(path).relative_to(PROJECT))
    return "" if name.startswith(_NOT_OURS) or name == "manage.py" else name


@lru_cache(maxsize=4096)
def _place(name: str, function: str, line: int) -> Place:
    lines = _lines(name)
    first = max(1, line - AROUND)
    shown = list(lines[first - 1 : line + AROUND])
    while len(shown) > 1 and not shown[-1].strip() and first + len(shown) - 1 > line:
        shown.pop()
    while len(shown) > 1 and not shown[0].strip() and first < line:
        shown.pop(0)
        first += 1
    return Place(name, function, line, first, tuple(shown))


@lru_cache(maxsize=256)
def _lines(name: str) -> tuple[str, ...]:
    try:
        return tuple((PROJECT / name).read_text().splitlines())
    except OSError:
        return ()
