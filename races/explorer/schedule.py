"""A schedule: which worker went on, step by step, and which faults fell in between.

Its short text is what people pass around: ``A*1 B*4 A*3`` lets A make one step, B four, A three.
``kill:A`` ends A's process (its job comes again as A'), ``ack:A`` lets A commit and loses the
reply, ``wake:B`` lets B, of several that one commit has freed, be the first to go on.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from .errors import ScheduleDoesNotFit

STEP, KILL, ACK, WAKE = "step", "kill", "ack", "wake"
_TOKEN = re.compile(r"(?:(kill|ack|wake):)?([^\s:*]+?)(?:\*(\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """One decision: what happens next, and to whom."""

    worker: str
    act: str = STEP

    def __str__(self) -> str:
        return self.worker if self.act == STEP else f"{self.act}:{self.worker}"


def parse(text: str) -> list[Choice]:
    """Read a schedule; raise ScheduleDoesNotFit where a word is none of its forms."""
    return [choice for token in text.split() for choice in _choices(token)]


def format(choices: Iterable[Choice]) -> str:  # noqa: A001  read as schedule.format(...)
    """Write a schedule in its short form; ``parse`` reads it back."""
    return " ".join(_runs(choices))


def _choices(token: str) -> list[Choice]:
    match = _TOKEN.fullmatch(token)
    if not match or (match[1] and match[3]) or match[3] == "0":
        raise ScheduleDoesNotFit(
            f"“{token}” is no step: write A*3 (three steps of A), kill:A, ack:A or wake:A."
        )
    return [Choice(match[2], match[1] or STEP)] * int(match[3] or 1)


def _runs(choices: Iterable[Choice]) -> Iterator[str]:
    for choice, group in groupby(choices):
        count = len(list(group))
        if choice.act == STEP:
            yield f"{choice}*{count}"
        else:
            yield from [str(choice)] * count
