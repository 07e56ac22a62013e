"""What must be true, read from outside: SQL on a connection of our own, HTTP, the providers' logs.

Nothing here imports the application: a checker that asked its services would believe its mistakes.
"""

from chaos.checkers import (
    bare,
    campaigns,
    findings,
    live,
    orders,
    periodic,
    purchases,
    receipts,
    reductions,
    refusals,
    texts,
    waiting,
)
from chaos.checkers.books import Books, Violation

FINAL = (
    reductions.check,
    purchases.check,
    campaigns.check,
    texts.check,
    orders.check,
    receipts.check,
    bare.check,
    refusals.check,
    waiting.check,
    periodic.check,
    findings.check,
)


def check_all(books: Books) -> list[Violation]:
    """Everything that is not as it must be, at the end of a run."""
    ends = [violation for check in FINAL for violation in check(books)]
    return ends + live.check(books.observer)


__all__ = ["Books", "Violation", "check_all", "live"]
