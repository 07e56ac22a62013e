"""Purchases: each harm to whole books is seen, however alike two of them are."""

import random

import pytest

from chaos.catalogue import FIRST_CREDITS
from chaos.checkers.books import Harm
from chaos.journal import Answer, Journal
from chaos.load import COMPOSE
from tests.chaos.whole_books import LEFT, SLUG, WholeBooks

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("checkers")]

LOST, DOUBLED = ("purchases", Harm.LOST), ("purchases", Harm.DOUBLED)


def bought(amount: int, operation: str) -> str:
    return f"""
        INSERT INTO credits_creditentry (community_id, operation, kind, amount, actor)
        SELECT id, '{operation}', 'purchase', {amount}, '' FROM credits_community
        WHERE slug = '{SLUG}'
    """


def amount_of(number: int) -> int:
    """What a request of the load buys, if the dice fall as for any other."""
    return int(COMPOSE["purchase"](number, random.Random(1))[1]["amount"])  # noqa: S311


def test_one_that_is_missing(whole: WholeBooks) -> None:
    gone = f"DELETE FROM credits_creditentry WHERE kind = 'purchase' AND amount = {LEFT}"
    assert LOST in whole.broken(gone)
    unanswered = whole.answered(12, Answer.INDETERMINATE)
    assert LOST not in whole.broken(gone, journal=unanswered)


def test_one_that_is_there_twice(whole: WholeBooks) -> None:
    assert DOUBLED in whole.broken(bought(LEFT, "again"))


def test_one_of_another_amount(whole: WholeBooks) -> None:
    more = f"UPDATE credits_creditentry SET amount = {LEFT + 1} WHERE amount = {LEFT}"
    assert {LOST, DOUBLED} <= whole.broken(more)


def test_one_that_was_refused(whole: WholeBooks) -> None:
    refused = whole.answered(12, Answer.REFUSED)
    assert whole.broken(journal=refused) == {DOUBLED, ("refusals", Harm.LOST)}


def test_one_without_effect_does_not_hide_one_that_happened_twice(whole: WholeBooks) -> None:
    journal = Journal([*whole])
    for number, answer in ((101, Answer.ACCEPTED), (102, Answer.INDETERMINATE)):
        body = {"amount": amount_of(number)}
        journal.begin(number, "purchase", "/", body, SLUG).answer = answer
    once, twice = (bought(amount_of(101), operation) for operation in ("once", "twice"))
    assert not {LOST, DOUBLED} & whole.broken(once, journal=journal)
    assert DOUBLED in whole.broken(once, twice, journal=journal)


def test_no_two_purchases_of_the_load_are_alike() -> None:
    amounts = {FIRST_CREDITS, *map(amount_of, range(1, 1_000))}
    assert len(amounts) == 1_000
