"""Periodic runs: each slot of a schedule once, however many beats there are."""

from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation


def check(books: Books) -> Iterator[Violation]:
    """By the key of the slot; and of its effects the one that leaves a row of its own, the night's
    reconciliation: a slot that finds one under way begins none."""
    for key, messages in books.observer.insist(_ENQUEUED):
        yield Violation("periodic", Harm.DOUBLED, key, f"was enqueued {messages} times")
    ((done, nights),) = books.observer.insist(_NIGHTS)
    if nights > done or (done and not nights):
        harm = Harm.DOUBLED if nights else Harm.LOST
        what = f"{nights} began, for {done} slots that were worked off"
        yield Violation("periodic", harm, "reconciliations", what)


_ENQUEUED = """
    SELECT key, count(*) FROM outbox_message WHERE key LIKE 'periodic:%%'
    GROUP BY key HAVING count(*) > 1
"""
_NIGHTS = """
    SELECT (SELECT count(DISTINCT key) FROM outbox_message
            WHERE key LIKE 'periodic:outbox.reconcile:%%' AND state = 'done'),
           (SELECT count(*) FROM outbox_reconciliation WHERE cause = 'nightly')
"""
