"""What the checkers compare: the journal, the database, the providers' own logs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

from chaos.journal import Answer, Journal, Request
from chaos.observer import Observer


class Harm(StrEnum):
    """What a violation means."""

    LOST = "lost"  # something that was accepted is missing, in whole or in part, or late for ever
    DOUBLED = "doubled"  # something happened twice, or nobody asked for it


@dataclass(frozen=True)
class Violation:
    """One thing that is not as it must be."""

    check: str
    harm: Harm
    subject: str
    what: str
    at: float | None = None  # when it was asked for, to find the fault that did it


def each_once(found: Iterable[Violation]) -> list[Violation]:
    """Of equal ones the first: what was seen live has a moment, and what is so at the end none."""
    once: dict[tuple[str, str, Harm], Violation] = {}
    for one in found:
        once.setdefault((one.check, one.subject, one.harm), one)
    return list(once.values())


@dataclass(frozen=True)
class Books:
    """All that there is to compare at the end."""

    journal: Journal
    observer: Observer
    logs: Mapping[str, Sequence[Mapping[str, Any]]]  # of "sms", "payments", "shipping"
    mails: Path  # the folder into which the application writes them
    faults_over: float = 0.0  # seconds since the epoch: when the last one had come or ended


Mark = Callable[[Request], str]
"""By what a request is found again."""

ABOUT: Mark = attrgetter("about")


def presence(
    check: str, requests: Iterable[Request], found: Mapping[str, int], mark: Mark = ABOUT
) -> Iterator[Violation]:
    """Accepted: there once. Refused: not there. No answer: there once, or not there.

    `found` says how often each request was found, by its mark.
    """
    for request in requests:
        count = found.get(mark(request), 0)
        subject = f"request {request.number}, {request.answer}"
        if count > (0 if request.answer is Answer.REFUSED else 1):
            what = f"is there {count} times"
            yield Violation(check, Harm.DOUBLED, subject, what, request.placed_at)
        if count == 0 and request.answer is Answer.ACCEPTED:
            yield Violation(check, Harm.LOST, subject, "is not there", request.placed_at)


def of_nobody(
    check: str, requests: Iterable[Request], found: Iterable[str], mark: Mark = ABOUT
) -> Iterator[Violation]:
    """What is there although no request asked for it."""
    for known in set(found) - {mark(request) for request in requests}:
        yield Violation(check, Harm.DOUBLED, known, "is there, and nobody asked for it")
