"""Stock: each line's hold says what was booked, so that nothing is booked twice."""

from collections.abc import Callable, Mapping

from orders.calls import Refused
from orders.models import OrderLine, SagaRun
from pricing import services as pricing

Hold = OrderLine.Hold


def reserve(run: SagaRun) -> None:
    """Reserve all lines, or refuse the order."""
    try:
        _book(run, Hold.NONE, Hold.HELD, pricing.reserve_stock)
    except pricing.OutOfStock as short:
        line = OrderLine.objects.select_related("product").get(
            order_id=run.order_id, product_id=short.product_id
        )
        raise Refused(f"out of stock: {line.product.sku}") from None


def release(run: SagaRun) -> None:
    """Give back what was reserved."""
    _book(run, Hold.HELD, Hold.RELEASED, pricing.release_stock)


def take(run: SagaRun) -> None:
    """Book out what was reserved: the carrier has it, and it is paid."""
    _book(run, Hold.HELD, Hold.TAKEN, pricing.take_stock)


def put_back(run: SagaRun) -> None:
    """Book in what came back."""
    _book(run, Hold.TAKEN, Hold.RETURNED, pricing.return_stock)


def _book(run: SagaRun, before: str, after: str, book: Callable[[Mapping[int, int]], None]) -> None:
    lines = OrderLine.objects.filter(order_id=run.order_id, hold=before)
    quantities = dict(lines.values_list("product_id", "quantity"))
    book(quantities)
    if lines.update(hold=after) != len(quantities):
        raise RuntimeError(f"The lines of order {run.order_id} changed while its run was held.")
