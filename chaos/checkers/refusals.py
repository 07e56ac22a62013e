"""Refusals: nothing of the load is wrong, so hardly anything of it may be refused."""

from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation
from chaos.journal import Answer

MAY_BE_REFUSED = ("campaign", "cancel")  # for want of credits; since the campaign was over first


def check(books: Books) -> Iterator[Violation]:
    """A load that is refused tries nothing, and what is not tried cannot fail."""
    for request in books.journal.requests:
        if request.answer is Answer.REFUSED and request.kind not in MAY_BE_REFUSED:
            subject = f"request {request.number}, {request.kind}"
            yield Violation("refusals", Harm.LOST, subject, "was refused", request.placed_at)
