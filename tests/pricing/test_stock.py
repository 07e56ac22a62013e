"""Stock: never below zero, never reserved twice, whoever asks at once."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from pricing import inputs, services
from pricing.models import Stock
from tests.pricing.api_client import ApiClient
from tests.pricing.shop import make_product

pytestmark = pytest.mark.django_db


def stocked(on_hand: int, sku: str = "BOOK") -> int:
    """A product with so many on hand; returns its id."""
    product = make_product(sku)
    services.set_stock(sku=sku, on_hand=on_hand)
    return int(product.pk)


def left(product_id: int) -> tuple[int, int]:
    stock = Stock.objects.get(pk=product_id)
    return stock.on_hand, stock.reserved


def test_reserve_release_take_and_return() -> None:
    book = stocked(5)
    services.reserve_stock({book: 3})
    assert left(book) == (5, 3)
    services.release_stock({book: 1})
    assert left(book) == (5, 2)
    services.take_stock({book: 2})
    assert left(book) == (3, 0)
    services.return_stock({book: 2})
    assert left(book) == (5, 0)


def test_what_is_not_there_cannot_be_reserved_and_nothing_else_is() -> None:
    pen, book = stocked(5, "PEN"), stocked(1)
    with pytest.raises(services.OutOfStock), transaction.atomic():
        services.reserve_stock({pen: 1, book: 2})
    assert (left(pen), left(book)) == ((5, 0), (1, 0))


def test_what_was_not_reserved_cannot_be_released_or_taken() -> None:
    book = stocked(5)
    for give_back in (services.release_stock, services.take_stock):
        with pytest.raises(RuntimeError):
            give_back({book: 1})
    assert left(book) == (5, 0)


@pytest.mark.django_db(transaction=True)
def test_the_last_ones_are_reserved_once_by_many_at_once() -> None:
    book = stocked(3)

    def reserve(_: int) -> bool:
        try:
            with transaction.atomic():
                services.reserve_stock({book: 1})
        except services.OutOfStock:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(reserve, range(8))) == 3
    assert left(book) == (3, 3)


@pytest.mark.parametrize("columns", [{"on_hand": -1}, {"on_hand": 1, "reserved": 2}])
def test_the_database_refuses_what_goes_around_the_services(columns: dict[str, int]) -> None:
    book = stocked(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Stock.objects.filter(pk=book).update(**columns)


def test_stock_cannot_fall_below_what_is_reserved() -> None:
    book = stocked(5)
    services.reserve_stock({book: 3})
    with pytest.raises(inputs.InvalidInput, match="below the 3"):
        services.set_stock(sku="BOOK", on_hand=2)
    assert left(book) == (5, 3)


def test_the_command_sets_it_and_refuses_nonsense() -> None:
    make_product()
    told = StringIO()
    call_command("set_stock", "BOOK", "7", "--json", stdout=told)
    assert told.getvalue().strip() == '{"sku": "BOOK", "stock": 7, "reserved": 0}'
    for wrong in (("BOOK", "-1"), ("BOOK", "10000000000"), ("NONE", "1"), ("BOOK", "many")):
        with pytest.raises(CommandError):
            call_command("set_stock", *wrong, stdout=StringIO())


def test_the_api_tells_stock_and_reserved() -> None:
    book = stocked(5)
    services.reserve_stock({book: 2})
    told = ApiClient("viewer").get("/api/v1/products/BOOK").json()
    assert (told["stock"], told["reserved"]) == (5, 2)
    assert ApiClient("viewer", "second").get("/api/v1/products").json()["items"][0]["stock"] == 5
