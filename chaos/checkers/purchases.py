"""Purchases of credits: each accepted one is in the ledger once, with its amount."""

from collections import Counter
from collections.abc import Iterator

from chaos.checkers.books import Books, Violation, of_nobody, presence
from chaos.journal import Request


def check(books: Books) -> Iterator[Violation]:
    """By the amount, which no other purchase of its community shares: the ledger shows no key."""
    requests = books.journal.of("purchase")
    found = Counter(_said(*row) for row in books.observer.insist(_PURCHASES))
    yield from presence("purchases", requests, found, _mark)
    yield from of_nobody("purchases", requests, found, _mark)


def _mark(request: Request) -> str:
    return _said(request.about, request.body["amount"])


def _said(slug: str, amount: int) -> str:
    return f"{amount} credits for {slug}"


_PURCHASES = """
    SELECT slug, amount FROM credits_creditentry AS entry
    JOIN credits_community AS community ON community.id = entry.community_id
    WHERE kind = 'purchase' AND slug LIKE 'chaos-%%'
"""
