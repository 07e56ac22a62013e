"""Bare effects: a row each, and nothing but the outbox between it and a second one."""

from collections import Counter
from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation
from chaos.journal import Answer


def check(books: Books) -> Iterator[Violation]:
    """Each number of an accepted request once; all of an unanswered one, or nothing."""
    counts = Counter(
        number for (number,) in books.observer.insist("SELECT number FROM chaos_effect")
    )
    for request in books.journal.of("bare", "bulk_probe"):
        numbers = request.body["numbers"]
        found = {number: counts.pop(number, 0) for number in numbers}
        there = sum(1 for count in found.values() if count)
        doubled = [number for number, count in found.items() if count > 1]
        subject = f"request {request.number}, {request.answer}"
        must_be_whole = request.answer is Answer.ACCEPTED or there > 0
        if doubled or (there and request.answer is Answer.REFUSED):
            what = f"{len(doubled)} of {len(numbers)} effects happened more than once"
            yield Violation("bare", Harm.DOUBLED, subject, what, request.placed_at)
        if must_be_whole and there < len(numbers):
            what = f"{len(numbers) - there} of {len(numbers)} effects did not happen"
            yield Violation("bare", Harm.LOST, subject, what, request.placed_at)
    for number in counts:
        yield Violation("bare", Harm.DOUBLED, str(number), "nobody asked for this effect")
