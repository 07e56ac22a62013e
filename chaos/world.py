"""What the load works on: products, stock, communities and members, made before it starts."""

import random
from pathlib import Path
from typing import Any

from chaos.catalogue import (
    BUNDLE,
    CATEGORY,
    COMMUNITIES,
    FIRST_CREDITS,
    GOODS,
    MEMBERS,
    PRICE,
    PROBED,
    REDUCED,
    STOCK,
)
from chaos.client import Client
from chaos.journal import Answer, Journal
from chaos.observer import Observer
from chaos.planted.bare import TABLE
from chaos.stack import CannotStart, Stack


def make(stack: Stack, observer: Observer, client: Client, journal: Journal) -> None:
    """Make all of it by the application's own commands and API. Raises CannotStart."""
    observer.insist(TABLE)
    stack.manage("import_products", str(_products(stack.home)))
    for sku in GOODS:
        observer.insist(_STOCK, [STOCK, sku])
    for number, slug in enumerate(COMMUNITIES):
        _ask(client, journal, "community", "/api/v1/communities", {"slug": slug, "name": slug})
        observer.insist(_MEMBERS, [MEMBERS, _first_phone(number), slug])
        body = {"amount": FIRST_CREDITS}
        _ask(client, journal, "purchase", f"/api/v1/communities/{slug}/credits", body, slug)


def _ask(
    client: Client, journal: Journal, kind: str, path: str, body: dict[str, Any], about: str = ""
) -> None:
    request = journal.begin(journal.number(), kind, path, body, about)
    dice = random.Random(0)  # noqa: S311 - a patient client's
    while request.answer is not Answer.ACCEPTED:
        client.send(request, dice)
        if request.answer is Answer.REFUSED:
            raise CannotStart(f"{path} was refused.")


def _products(home: Path) -> Path:
    lines = ["sku,name,category,price"]
    lines += [f"{sku},Thing,Chaos,{PRICE}" for sku in (*REDUCED, *PROBED)]
    lines += [f"{sku},Thing,{CATEGORY},{PRICE}" for sku in BUNDLE]
    lines += [f"{sku},Thing,Chaos goods,10.00" for sku in GOODS]
    file = home / "products.csv"
    file.write_text("\n".join(lines))
    return file


def _first_phone(community: int) -> int:
    """No two communities share a number."""
    return 4_915_112_000_000 + community * 10_000


_MEMBERS = """
    INSERT INTO credits_member (community_id, name, phone)
    SELECT community.id, 'Member ' || n, '+' || (phone.first + n)
    FROM credits_community AS community, generate_series(1, %s) AS n, (VALUES (%s)) AS phone (first)
    WHERE slug = %s
"""
_STOCK = """
    INSERT INTO pricing_stock (product_id, on_hand, reserved)
    SELECT id, %s, 0 FROM pricing_product WHERE sku = %s
    ON CONFLICT (product_id) DO UPDATE SET on_hand = excluded.on_hand
"""
