"""A small shop to play with. Its SKUs begin with DEMO-, so nobody takes them for real ones."""

from decimal import Decimal

from django.db import transaction

from pricing import services
from pricing.csv_lines import ProductLine
from pricing.models import Product

ACTOR = "demo"

PRODUCTS = {
    "Coffee": [
        ("Ground coffee, dark roast, 500 g", "8.90"),
        ("Espresso beans, 1 kg", "21.50"),
        ("Decaf beans, 500 g", "11.40"),
        ("Filter papers, 100", "3.20"),
        ("Hand grinder, ceramic burrs", "49.00"),
        ("Pour-over dripper, porcelain", "24.90"),
        ("Milk jug, 350 ml", "14.75"),
    ],
    "Tea": [
        ("Assam, loose, 250 g", "9.60"),
        ("Sencha, loose, 100 g", "12.80"),
        ("Rooibos, 40 bags", "4.10"),
        ("Peppermint, 40 bags", "3.95"),
        ("Teapot with strainer, 1 l", "32.00"),
    ],
    "Kitchen": [
        ("Bread knife, 21 cm", "38.50"),
        ("Chopping board, beech", "27.00"),
        ("Cast-iron pan, 26 cm", "64.90"),
        ("Mixing bowls, set of 3", "29.99"),
        ("Kitchen scale, to 5 kg", "22.45"),
        ("Silicone spatula", "6.30"),
        ("Rolling pin", "13.20"),
    ],
    "Stationery": [
        ("Notebook A5, dotted", "7.80"),
        ("Fountain pen, medium nib", "34.00"),
        ("Ink, blue-black, 50 ml", "9.25"),
        ("Pencils HB, box of 12", "5.60"),
        ("Desk calendar", "10.90"),
    ],
    "Garden": [
        ("Watering can, 10 l", "18.70"),
        ("Secateurs", "26.40"),
        ("Tomato seeds, mixed", "2.95"),
        ("Terracotta pot, 22 cm", "11.15"),
        ("Garden twine, 100 m", "4.85"),
        ("Bird feeder, oak", "41.30"),
    ],
    "Outdoors": [
        ("Enamel mug", "8.40"),
        ("Head torch, rechargeable", "36.90"),
        ("Dry bag, 20 l", "17.60"),
        ("Sitting mat, foldable", "9.90"),
        ("Vacuum flask, 0.75 l", "28.80"),
    ],
}

PAST_PRICES = ["9.90", "9.40", "10.20"]
"""What the first product cost before, so that one price history has a shape from the start."""

FLOORS = {"DEMO-2": "18.00", "DEMO-5": "45.00", "DEMO-15": "55.00"}
"""Products that a reduction soon meets the floor of."""


def load_demo_products() -> int:
    """Create those demo products that are missing; returns how many.

    A second call changes nothing: what has been done to the prices since stays.
    """
    with transaction.atomic():
        known = set(Product.objects.filter(sku__startswith="DEMO-").values_list("sku", flat=True))
        missing = [line for line in _lines() if line.sku not in known]
        created = services.import_products(missing, actor=ACTOR).created
        new = [line.sku for line in missing]
        for sku in FLOORS.keys() & set(new):
            _edit(sku, floor=FLOORS[sku])
        if "DEMO-1" in new:
            for price in [*PAST_PRICES, PRODUCTS["Coffee"][0][1]]:
                _edit("DEMO-1", price=price)
    return created


def _lines() -> list[ProductLine]:
    every = [
        (category, *product) for category, products in PRODUCTS.items() for product in products
    ]
    return [
        ProductLine(
            line=number,
            sku=f"DEMO-{number}",
            name=name,
            category=category,
            price=Decimal(price),
        )
        for number, (category, name, price) in enumerate(every, start=1)
    ]


def _edit(sku: str, **changes: str) -> None:
    product = Product.objects.get(sku=sku)
    services.edit_product(
        sku=sku,
        based_on_revision=product.revision,
        actor=ACTOR,
        **{
            "name": product.name,
            "category": product.category,
            "price": str(product.price),
            "floor": str(product.floor),
            **changes,
        },
    )
