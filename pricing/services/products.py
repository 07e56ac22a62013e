"""Importing products: all lines or none, or all but the refused ones, in a few statements."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from intake.csv_lines import ImportRefused, RefusedLine
from pricing.csv_lines import ProductLine


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did, in products. `updated` counts those that kept their price."""

    created: int
    repriced: int
    updated: int
    unchanged: int
    refused: list[RefusedLine] = field(default_factory=list)


def import_products(
    lines: Iterable[ProductLine | RefusedLine], *, actor: str, skip_invalid: bool = False
) -> Imported:
    """Create and update products as the lines say, in one transaction and constant memory.

    A known SKU keeps its floor; where its price differs, that is a PriceChange. A second call
    with the same lines changes nothing. Two imports at once take turns where they meet.

    Raises ImportRefused unless `skip_invalid`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        refused = _stage(cursor, lines)
        refused += _refuse_repeated(cursor)
        created = _create_unknown(cursor, actor)
        # From here on every product of the file is there and held: reading it is enough.
        held = _hold_products(cursor)
        too_low = _refuse_below_floor(cursor)
        refused += too_low
        if refused and not skip_invalid:
            raise ImportRefused(sorted(refused, key=lambda line: line.line))
        repriced = _append_changes(cursor, actor)
        written = _update_products(cursor)
        cursor.execute("DROP TABLE pricing_import_line")
    return Imported(
        created=created,
        repriced=repriced,
        updated=written - repriced,
        unchanged=held - created - written - len(too_low),
        refused=sorted(refused, key=lambda line: line.line),
    )


def _stage(cursor: Any, lines: Iterable[ProductLine | RefusedLine]) -> list[RefusedLine]:
    """Copy the well-formed lines into a table of this transaction; return the others."""
    cursor.execute(
        """
        CREATE TEMPORARY TABLE pricing_import_line (
            line integer, sku text, name text, category text, price numeric(10, 2)
        )
        """
    )
    refused = []
    with cursor.copy("COPY pricing_import_line FROM STDIN") as copy:
        for line in lines:
            if isinstance(line, RefusedLine):
                refused.append(line)
            else:
                copy.write_row((line.line, line.sku, line.name, line.category, line.price))
    cursor.execute("ANALYZE pricing_import_line")
    return refused


def _refuse_repeated(cursor: Any) -> list[RefusedLine]:
    cursor.execute(
        """
        DELETE FROM pricing_import_line AS again
        USING (SELECT sku, min(line) AS line FROM pricing_import_line GROUP BY sku) AS first
        WHERE again.sku = first.sku AND again.line > first.line
        RETURNING again.line, again.sku, first.line
        """
    )
    return [
        RefusedLine(line, f'sku: "{sku}" was on line {first} already; keep one of them.')
        for line, sku, first in cursor.fetchall()
    ]


def _create_unknown(cursor: Any, actor: str) -> int:
    """Insert the unknown ones with their first PriceChange, in one order: imports never cross."""
    cursor.execute(
        """
        WITH born AS (
            INSERT INTO pricing_product (sku, name, category, price)
            SELECT sku, name, category, price FROM pricing_import_line AS line
            WHERE NOT EXISTS (SELECT FROM pricing_product WHERE sku = line.sku)
            ORDER BY sku
            ON CONFLICT (sku) DO NOTHING
            RETURNING id, version, price
        )
        INSERT INTO pricing_pricechange (product_id, version, new_price, cause, actor)
        SELECT id, version, price, 'import', %s FROM born
        """,
        [actor],
    )
    return int(cursor.rowcount)


def _hold_products(cursor: Any) -> int:
    """Lock every product of the file, in primary-key order as everybody does. Returns how many."""
    cursor.execute(
        """
        WITH held AS (
            SELECT product.id FROM pricing_product AS product
            WHERE product.sku IN (SELECT sku FROM pricing_import_line)
            ORDER BY product.id
            FOR NO KEY UPDATE OF product
        )
        SELECT count(*) FROM held
        """
    )
    return int(cursor.fetchone()[0])


def _refuse_below_floor(cursor: Any) -> list[RefusedLine]:
    cursor.execute(
        """
        DELETE FROM pricing_import_line AS line
        USING pricing_product AS product
        WHERE product.sku = line.sku AND line.price < product.floor
        RETURNING line.line, line.price, product.floor
        """
    )
    return [
        RefusedLine(line, f"price: {price} is below the product's floor of {floor}; raise it.")
        for line, price, floor in cursor.fetchall()
    ]


def _append_changes(cursor: Any, actor: str) -> int:
    cursor.execute(
        """
        INSERT INTO pricing_pricechange (product_id, version, old_price, new_price, cause, actor)
        SELECT product.id, product.version + 1, product.price, line.price, 'import', %s
        FROM pricing_product AS product JOIN pricing_import_line AS line USING (sku)
        WHERE product.price <> line.price
        """,
        [actor],
    )
    return int(cursor.rowcount)


def _update_products(cursor: Any) -> int:
    cursor.execute(
        """
        UPDATE pricing_product AS product
        SET name = line.name,
            category = line.category,
            price = line.price,
            version = product.version + (product.price <> line.price)::integer,
            revision = product.revision + 1
        FROM pricing_import_line AS line
        WHERE product.sku = line.sku
          AND (product.name, product.category, product.price)
              <> (line.name, line.category, line.price)
        """
    )
    return int(cursor.rowcount)
