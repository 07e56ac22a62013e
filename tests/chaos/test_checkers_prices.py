"""Reductions, prices and stock: each harm to whole books is seen."""

import pytest

from chaos.catalogue import BUNDLE, GOODS, REDUCED
from chaos.checkers.books import Harm
from chaos.journal import Answer
from chaos.load import mark
from tests.chaos.whole_books import WholeBooks

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("checkers")]

LOST, DOUBLED = Harm.LOST, Harm.DOUBLED


def reduction(number: int) -> str:
    return f"(SELECT id FROM pricing_pricereduction WHERE expires_at = '{mark(number)}')"


def product(sku: str) -> str:
    return f"(SELECT id FROM pricing_product WHERE sku = '{sku}')"


def changed(sku: str, change: str) -> str:
    return f"UPDATE pricing_product SET {change} WHERE sku = '{sku}'"


def repriced(by: str) -> str:
    """With a last change that says the same, so that the live check has nothing to say."""
    return f"""
        {changed(REDUCED[0], f"price = price {by}")};
        UPDATE pricing_pricechange SET new_price = new_price {by}, old_price = old_price {by}
        WHERE reduction_id = {reduction(1)}
    """


def stock(change: str) -> str:
    return f"UPDATE pricing_stock SET {change} WHERE product_id = {product(GOODS[0])}"


NO_CHANGE = f"DELETE FROM pricing_pricechange WHERE product_id = {product(BUNDLE[0])}"
A_CHANGE_MORE = f"""
    INSERT INTO pricing_pricechange
        (product_id, version, old_price, new_price, cause, reduction_id, actor)
    SELECT {product(GOODS[0])}, 9, old_price, new_price, cause, reduction_id, actor
    FROM pricing_pricechange WHERE reduction_id =
"""
BROKEN = {
    "a reduction is not there": (
        f"DELETE FROM pricing_pricereduction WHERE id = {reduction(1)}",
        ("reductions", LOST),
    ),
    "it is there twice": (
        f"UPDATE pricing_pricereduction SET expires_at = '{mark(1)}' WHERE id = {reduction(2)}",
        ("reductions", DOUBLED),
    ),
    "nobody asked for it": (
        f"UPDATE pricing_pricereduction SET expires_at = '{mark(9)}' WHERE id = {reduction(2)}",
        ("reductions", DOUBLED),
    ),
    "it failed": (
        "UPDATE pricing_pricereduction SET status = 'failed', reason = 'no'"
        f" WHERE id = {reduction(1)}",
        ("reductions", LOST),
    ),
    "one product of the category was left out": (
        f"{NO_CHANGE} AND reduction_id = {reduction(2)}",
        ("reductions", LOST),
    ),
    "it changed one product more": (A_CHANGE_MORE + reduction(1), ("reductions", DOUBLED)),
    "it took nothing off": (
        f"UPDATE pricing_pricechange SET old_price = NULL WHERE reduction_id = {reduction(1)}",
        ("reductions", LOST),
    ),
    "it took too much off": (
        "UPDATE pricing_pricechange SET old_price = old_price + 1"
        f" WHERE reduction_id = {reduction(1)}",
        ("reductions", DOUBLED),
    ),
    "a price was not reduced": (repriced("+ 0.01"), ("prices", LOST)),
    "a price was reduced twice": (repriced("- 0.01"), ("prices", DOUBLED)),
    "a price is not its last change": (changed(GOODS[0], "price = 9"), ("prices", LOST)),
    "a price has no change": (NO_CHANGE, ("prices", LOST)),
    "a version is ahead of its changes": (
        changed(GOODS[0], "version = version + 1"),
        ("prices", LOST),
    ),
    "a change before the last is missing": (f"{NO_CHANGE} AND version = 1", ("prices", LOST)),
    "less is reserved than is held": (
        "UPDATE orders_orderline SET hold = 'held'",
        ("stock", LOST),
    ),
    "more is reserved than is held": (stock("reserved = 1"), ("stock", DOUBLED)),
    "what was shipped was not taken": (stock("on_hand = on_hand + 2"), ("stock", LOST)),
    "more was taken than was shipped": (stock("on_hand = on_hand - 2"), ("stock", DOUBLED)),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_broken_is_seen(whole: WholeBooks, how: str) -> None:
    statements, found = BROKEN[how]
    assert found in whole.broken(statements)


def test_a_reduction_that_was_refused(whole: WholeBooks) -> None:
    refused = whole.answered(1, Answer.REFUSED)
    assert whole.broken(journal=refused) == {("reductions", DOUBLED), ("refusals", LOST)}
    assert whole.broken(journal=whole.answered(1, Answer.INDETERMINATE)) == set()
