"""Reading a product file: each line becomes a product, or a refusal that says what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from intake import csv_lines
from intake.csv_lines import RefusedLine
from pricing import inputs

COLUMNS = ("sku", "name", "category", "price")


@dataclass(frozen=True, kw_only=True)
class ProductLine:
    """A well-formed line of the file."""

    line: int
    sku: str
    name: str
    category: str
    price: Decimal


def read_lines(file: Iterable[str]) -> Iterator[ProductLine | RefusedLine]:
    """Read a file of products: see `intake.csv_lines`. Raises WrongHeader."""
    return csv_lines.read_lines(file, COLUMNS, _read_product)


def _read_product(line: int, sku: str, name: str, category: str, price: str) -> ProductLine:
    draft = inputs.product_draft(sku=sku, name=name, category=category, price=price)
    return ProductLine(
        line=line, sku=draft.sku, name=draft.name, category=draft.category, price=draft.price
    )
