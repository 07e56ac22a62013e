"""Receipts: one mail for each shipped order, or the books say that nobody knows; never two."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chaos.checkers.books import Books, Harm, Violation
from chaos.checkers.orders import HAS_DIED

TO = re.compile(rb"^To: (\S+)\r?$", re.MULTILINE)


def check(books: Books) -> Iterator[Violation]:
    """By the address, which names the number of the order's request."""
    placed = {request.about: request.placed_at for request in books.journal.of("order")}
    rows = books.observer.insist(_RECEIPTS)
    mails = _written(books.mails)
    for email, status, step, unknown, dead in rows:
        times = mails.pop(email, 0)
        nobody_knows = (step == "in_doubt" and unknown) or (step == "needs_person" and dead)
        if harm := _harm(status, step, times, nobody_knows):
            what = f"order {status}, receipt {step or 'never asked for'}, {times} mails"
            yield Violation("receipts", harm, email, what, placed.get(email))
    for email, times in mails.items():
        yield Violation("receipts", Harm.DOUBLED, email, f"{times} mails, and there is no order")


def _harm(status: str, step: str | None, mails: int, nobody_knows: bool) -> Harm | None:
    """In doubt, or with a person, it may have gone out or not: no mail server can tell.

    So it is after an attempt that stayed without an answer, or a message that died.
    """
    if mails > 1 or (status != "shipped" and (mails or step)):
        return Harm.DOUBLED
    if status == "shipped" and (step, mails) != ("done", 1):
        return None if nobody_knows else Harm.LOST
    return None


def _written(folder: Path) -> Counter[str]:
    found = (TO.findall(file.read_bytes()) for file in folder.glob("*.log"))
    return Counter(email.decode() for emails in found for email in emails)


_RECEIPTS = f"""
    SELECT email, status, step.state, EXISTS (
        SELECT FROM orders_sagaattempt AS attempt
        WHERE attempt.step_id = step.id AND outcome = 'unknown'
    ), {HAS_DIED}
    FROM orders_order AS shop
    LEFT JOIN orders_sagarun AS run ON run.order_id = shop.id AND run.saga = 'receipt'
    LEFT JOIN orders_sagastep AS step ON step.run_id = run.id AND step.name = 'send'
    WHERE email LIKE '%%@chaos.example'
"""  # noqa: S608 - constants of `orders`
