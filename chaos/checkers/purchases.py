"""Purchases of credits: as many entries of an amount as were accepted, or stayed unanswered."""

from collections import defaultdict
from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation
from chaos.journal import Answer, Request


def check(books: Books) -> Iterator[Violation]:
    """By community and amount: the books do not show our keys, and need not."""
    asked: dict[tuple[str, int], list[Request]] = defaultdict(list)
    for request in books.journal.of("purchase"):
        asked[request.about, request.body["amount"]].append(request)
    entries = {(slug, amount): n for slug, amount, n in books.observer.insist(_PURCHASES)}
    for wanted in {*asked, *entries}:
        requests, found = asked[wanted], entries.get(wanted, 0)
        accepted = sum(one.answer is Answer.ACCEPTED for one in requests)
        unknown = sum(one.answer is Answer.INDETERMINATE for one in requests)
        if accepted <= found <= accepted + unknown:
            continue
        harm = Harm.LOST if found < accepted else Harm.DOUBLED
        what = f"{accepted} accepted, {unknown} without an answer, {found} entries"
        at = requests[-1].placed_at if requests else None
        yield Violation("purchases", harm, f"{wanted[1]} credits for {wanted[0]}", what, at)


_PURCHASES = """
    SELECT slug, amount, count(*) FROM credits_creditentry AS entry
    JOIN credits_community AS community ON community.id = entry.community_id
    WHERE kind = 'purchase' AND slug LIKE 'chaos-%%' GROUP BY slug, amount
"""
