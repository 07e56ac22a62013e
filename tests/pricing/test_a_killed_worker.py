"""A category's run goes on after kill -9 of its worker, and reduces each product once."""

from pricing.models import PriceChange, PriceReduction, Product
from pricing.selectors import count_outcomes
from tests.pricing.shop import make_category, schedule
from tests.stack import Stack

PRODUCTS = 8_000  # sixteen chunks


def test_a_category_is_reduced_once_though_its_workers_are_killed(stack: Stack) -> None:
    make_category(PRODUCTS)
    worker = stack.worker(concurrency=2)
    stack.relay()
    reduction = schedule(sku=None, category="Books")
    reached = 0
    for kill in (stack.kill_one_child, stack.kill):
        stack.wait_until(lambda least=reached: applied() > least, why=worker)
        kill(worker)
        reached = applied()
    assert reached < PRODUCTS, "the run ended before its worker was killed: make it longer"
    worker.start()
    stack.wait_until(lambda: status(reduction) == "applied", timeout=60, why=worker)

    assert count_outcomes(reduction).applied == PRODUCTS
    assert applied() == PRODUCTS
    assert set(Product.objects.values_list("price", "version")) == {(9, 2)}


def applied() -> int:
    """How many prices the reduction has changed so far."""
    return PriceChange.objects.filter(cause="reduction").count()


def status(reduction: PriceReduction) -> str:
    """The reduction's status by now."""
    reduction.refresh_from_db()
    return reduction.status
