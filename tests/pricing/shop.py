"""Products and reductions for tests, made as users make them: through the services."""

from decimal import Decimal
from typing import Any

from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.tally import Tally
from pricing import services
from pricing.csv_lines import ProductLine
from pricing.models import PriceReduction, Product


def line(
    sku: str, price: str = "10.00", category: str = "Books", name: str = "", number: int = 2
) -> ProductLine:
    """One line of a product file."""
    named = name or f"Name of {sku}"
    return ProductLine(line=number, sku=sku, name=named, category=category, price=Decimal(price))


def make_product(
    sku: str = "BOOK", price: str = "10.00", category: str = "Books", floor: str = "0.00"
) -> Product:
    """A product with its first price change."""
    services.import_products([line(sku, price, category)], actor="test")
    Product.objects.filter(sku=sku).update(floor=Decimal(floor))
    return Product.objects.get(sku=sku)


def make_category(count: int, category: str = "Books", price: str = "10.00") -> None:
    """So many products of one category, at one price."""
    services.import_products(
        [line(f"{category}-{number}", price, category) for number in range(count)], actor="test"
    )


def schedule(sku: str | None = "BOOK", percent: str | None = "10", **more: Any) -> PriceReduction:
    """Schedule a reduction; 10 % off BOOK, now, unless said otherwise."""
    return services.schedule_reduction(sku=sku, percent=percent, actor="test", **more)


def apply(reduction: PriceReduction) -> PriceReduction:
    """Apply a reduction to its end, chunk by chunk, and read it again."""
    for _ in range(1 + reduction.targets.count()):
        services.apply_reduction(reduction_id=str(reduction.pk))
        reduction.refresh_from_db()
        if reduction.status != PriceReduction.Status.SCHEDULED:
            return reduction
    raise AssertionError(f"still {reduction.status}")


def work_off() -> Tally:
    """Let the real consumer run what is due, in this process."""
    return consumer.consume(handlers.get("pricing.apply_reduction"), [], Delivery.here())


def price_of(sku: str = "BOOK") -> str:
    """The product's price, as a string."""
    return str(Product.objects.get(sku=sku).price)


def edit(sku: str = "BOOK", revision: int | None = None, **changes: str) -> Product:
    """Edit a product as a person does who has just opened its form, or did at `revision`."""
    product = Product.objects.get(sku=sku)
    return services.edit_product(
        sku=sku,
        based_on_revision=product.revision if revision is None else revision,
        actor="editor",
        **{
            "name": product.name,
            "category": product.category,
            "price": str(product.price),
            "floor": str(product.floor),
            **changes,
        },
    )
