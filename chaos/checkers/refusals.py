"""Refusals: nothing of the load is wrong, so hardly anything of it may be refused."""

from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation
from chaos.journal import Answer

MAY_BE_REFUSED = {"campaign": "too_few_credits", "cancel": "conflict"}
"""By which code: for want of credits; since the campaign was over first."""


def check(books: Books) -> Iterator[Violation]:
    """A load that is refused tries nothing, and what is not tried cannot fail."""
    for request in books.journal.requests:
        if request.answer is not Answer.REFUSED:
            continue
        if request.refusal != MAY_BE_REFUSED.get(request.kind):
            subject = f"request {request.number}, {request.kind}"
            what = f"was refused: {request.refusal}"
            yield Violation("refusals", Harm.LOST, subject, what, request.placed_at)
