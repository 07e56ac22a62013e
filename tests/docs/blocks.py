"""The fenced blocks of the documents, and the commands in them.

<!-- world: a_shop -->          the namespace of tests/docs/worlds.py that a block is run in
```python
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from config.embedded.child import PROJECT

GENERATED = PROJECT / "docs" / "races"
"""Written by the explorer and compared by tests/races/test_pages.py: drawings, no commands."""

FENCE = re.compile(r"^ *```(\S*)")
WORLD = re.compile(r"^<!-- world: (\w+) -->$")


@dataclass(frozen=True)
class Command:
    """What somebody types, and what is shown below it ([] where nothing is)."""

    text: str
    shown: list[str] = field(default_factory=list, compare=False)

    @property
    def words(self) -> list[str]:
        """As a shell reads it, without the comment behind it."""
        return shlex.split(self.text, comments=True)

    @property
    def said(self) -> str:
        """The words alone, as they are compared."""
        return " ".join(self.words)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, and its world, if it names one."""

    document: str
    line: int
    language: str
    text: str
    world: str = ""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def commands(self) -> list[Command]:
        """The lines of a console that begin with a dollar."""
        found: list[Command] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            else:
                found[-1].shown.append(line)
        return found


@cache
def documents() -> list[Path]:
    """Every document that people read, but for the generated ones."""
    folders = [path for path in PROJECT.iterdir() if path.is_dir() and path.name[0] != "."]
    written = [*PROJECT.glob("*.md"), *(one for folder in folders for one in folder.rglob("*.md"))]
    return sorted(one for one in written if one.parent != GENERATED or one.name == "README.md")


def blocks(language: str | None = None) -> list[Block]:
    """All blocks, or those of a language."""
    every = [block for path in documents() for block in _blocks_of(path)]
    return [one for one in every if language is None or one.language == language]


def _blocks_of(path: Path) -> Iterator[Block]:
    name, lines = str(path.relative_to(PROJECT)), path.read_text().splitlines()
    start: int | None = None
    language = ""
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if fence is None:
            continue
        if start is None:
            start, language = number, fence[1]
            continue
        world = WORLD.match(lines[start - 1]) if start else None
        text = "\n".join(lines[start + 1 : number]) + "\n"
        yield Block(name, start + 1, language, text, world[1] if world else "")
        start = None
    assert start is None, f"{name}:{start}: a block that does not end"
