"""A product joins the category while its reduction runs: every product that was meant, once."""

from decimal import Decimal

from django.db import transaction
from django.db.models import F

from pricing import services
from pricing.csv_lines import ProductLine
from pricing.models import PriceReduction, Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone

CHUNK = 1


def setup() -> None:
    shop.stock("B", "C")
    shop.scheduled(category="Books")


def check() -> None:
    prices = [f"{sku} {shop.price(sku):.0f}" for sku in ("B", "C")]
    assert prices == ["B 90", "C 90"], f"B and C were at 100, 10 % off: {', '.join(prices)}"


def check_ours() -> None:
    check()
    assert shop.price("A") == 100, f"A came later and costs {shop.price('A'):.0f}"
    assert PriceReduction.objects.get().status == "applied"
    shop.assert_history_agrees()


def page_by_offset() -> None:
    """Chunk after chunk, each a transaction, each the next page of the category, to the last."""
    page = 0
    while _reduce(page):
        page += CHUNK


def _reduce(page: int) -> int:
    """How many products are on the page that begins here."""
    with transaction.atomic():
        names = Product.objects.filter(category="Books").order_by("sku")
        chosen = [product.pk for product in names[page : page + CHUNK]]
        return Product.objects.filter(pk__in=chosen).update(price=F("price") * 90 / 100)


def insert() -> None:
    Product.objects.create(sku="A", name="A", category="Books", price=Decimal(100))


def insert_by_import() -> None:
    late = ProductLine(line=2, sku="A", name="A", category="Books", price=Decimal(100))
    services.import_products([late], actor="race")


def apply() -> None:
    shop.apply()


SCENARIO = Scenario(
    claim="A product that comes late is left alone",
    naive=(
        Form(
            "page by offset",
            Question((page_by_offset, insert), alone(check), setup),
            "the pages move when a product comes in before them",
        ),
    ),
    holds=(
        Form(
            "apply_reduction",
            Question((apply, insert_by_import), alone(check_ours), setup, kills=1),
            "our service: what is meant was noted when it was scheduled",
            ours=True,
            constraints=[
                ("pricing_reductiontarget", "target_once_per_reduction_and_product"),
                ("pricing_pricechange", "price_change_once_per_reduction"),
            ],
            spare={
                "FOR NO KEY UPDATE OF pricing_pricereduction": "taken against a second delivery "
                "and against cancelling; here nobody else wants this reduction",
                "FOR NO KEY UPDATE OF pricing_product": "the version in the UPDATE refuses as "
                "well: without the lock the loser raises StalePrice and its message runs again",
                "FOR NO KEY UPDATE OF product in WITH held": "what the import holds here is known "
                "to nobody else yet",
                "product.category, product.price) <>": "it leaves alone what a file does not "
                "change; it keeps nobody out",
                "NOT EXISTS (SELECT FROM pricing_product": "it tells new products from known ones; "
                "a second one of an SKU is refused by its unique constraint",
                "constraint target_once": "it guards the noting, which is done before this race",
                "constraint price_change": "a last line: it outlives the reduction's status and "
                "every message",
            },
        ),
    ),
    why=(
        "Between two pages a product slips in before them. The next page begins with a product "
        "that the last one has done: it is reduced twice."
    ),
    cure=(
        "Note at scheduling time which products are meant, one row each, and let each row say "
        "what became of it."
    ),
    refuses="target_once_per_reduction_and_product, price_change_once_per_reduction",
)
