"""Two editors of one product: the second sees both values and chooses."""

import re

import pytest
from django.test import Client

from pricing.models import PriceChange, Product
from tests.accounts.people import make_user, signed_in
from tests.pricing.shop import edit, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def product() -> Product:
    return make_product(price="10.00")


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_user("operator"))
    return client


def draft(product: Product, **changes: str) -> dict[str, str]:
    """The form of a product as it was when it was opened, with what its editor typed."""
    fields = ("revision", "name", "category", "price", "floor")
    return {**{field: str(getattr(product, field)) for field in fields}, **changes}


def send(client: Client, product: Product, form: dict[str, str]):
    return client.post(f"/products/{product.pk}/edit/", form)


def test_an_edit_is_saved_and_a_new_price_is_a_price_change(operator, product) -> None:
    answer = send(operator, product, draft(product, price="12.00", name="Better"))

    assert answer["Location"] == f"/products/{product.pk}/"
    product.refresh_from_db()
    assert (str(product.price), product.name, product.version) == ("12.00", "Better", 2)
    assert PriceChange.objects.latest("version").actor == "operator"


def test_the_second_editor_overwrites_nothing_and_sees_both_values(operator, product) -> None:
    opened = draft(product, price="12.00", name="Mine")
    edit(price="9.00")

    answer = send(operator, product, opened)

    assert answer.status_code == 409
    page = " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())
    assert "9.00 as it is now" in page
    assert "12.00 yours" in page
    product.refresh_from_db()
    assert str(product.price) == "9.00"
    assert product.name != "Mine"


def test_what_the_second_editor_chooses_is_saved(operator, product) -> None:
    opened = draft(product, price="12.00", name="Mine")
    current = edit(price="9.00")
    page = send(operator, product, opened).content.decode()

    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert form["revision"] == str(current.revision)
    answer = send(operator, product, {**form, "price": "9.00", "name": "Mine"})

    assert answer.status_code == 302
    product.refresh_from_db()
    assert (str(product.price), product.name) == ("9.00", "Mine")


def test_a_third_editor_in_between_makes_another_conflict(operator, product) -> None:
    opened = draft(product, price="12.00")
    edit(price="9.00")
    page = send(operator, product, opened).content.decode()
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    edit(price="8.00")

    assert send(operator, product, {**form, "price": "12.00"}).status_code == 409


def test_a_form_sent_twice_saves_once(operator, product) -> None:
    form = draft(product, price="12.00")
    send(operator, product, form)

    assert send(operator, product, form).status_code in (302, 409)
    assert PriceChange.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", "-1"),
        ("price", "1.234"),
        ("price", "Infinity"),
        ("price", ""),
        ("floor", "-1"),
        ("price", "0.50"),
        ("name", ""),
        ("category", "x" * 101),
        ("revision", "x"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(operator, product, field, value) -> None:
    answer = send(operator, product, draft(product, **{"floor": "1.00", field: value}))

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    product.refresh_from_db()
    assert product.revision == 1


def test_a_viewer_and_another_site_edit_nothing(product) -> None:
    viewer = Client()
    viewer.force_login(make_user("viewer"))

    assert send(viewer, product, draft(product, price="1.00")).status_code == 403
    assert send(signed_in("operator"), product, draft(product, price="1.00")).status_code == 403
    assert PriceChange.objects.count() == 1


def test_fields_that_the_form_does_not_have_are_not_taken(operator, product) -> None:
    send(operator, product, {**draft(product, name="New"), "version": "99", "sku": "STOLEN"})

    product.refresh_from_db()
    assert (product.sku, product.version, product.name) == ("BOOK", 1, "New")
