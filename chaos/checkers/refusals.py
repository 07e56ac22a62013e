"""Refusals: nothing of the load is wrong. A campaign alone may be refused, for want of credits."""

from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation
from chaos.journal import Answer


def check(books: Books) -> Iterator[Violation]:
    """A load that is refused tries nothing, and what is not tried cannot fail."""
    for request in books.journal.requests:
        if request.answer is Answer.REFUSED and request.kind != "campaign":
            subject = f"request {request.number}, {request.kind}"
            yield Violation("refusals", Harm.LOST, subject, "was refused", request.placed_at)
