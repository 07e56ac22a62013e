"""What people and files write stays text: in SQL, in pages, in addresses."""

import csv
from io import StringIO
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from outbox.models import Message
from pricing import services
from pricing.csv_lines import COLUMNS, ProductLine, read_lines
from pricing.models import Product
from tests.accounts.people import signed_in
from tests.security.addresses import addresses

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"
EVIL = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE pricing_product; --",
    "{{ 7|add:7 }}{% debug %}",
    "%' OR '1'='1",
]
#: Whatever a page asks of its address; others are not looked at.
ASKED = (
    *("search", "status", "page", "check", "left", "fingerprint", "handler", "after", "shown"),
    *("state", "community", "step", "view", "schedule", "beside", "sku", "category", "text"),
    *("queue", "since", "until", "id", "key", "next", "from", "to", "product", "operation"),
)
NONSENSE = [
    *EVIL[:3],
    *("\x00", "\ud800", "%_\\", "-1", "9" * 40, "NaN", "x" * 8_000, "\r\nX: y", "(?P<a"),
]


def a_shop_of(names: list[str]) -> None:
    """Products of these names, read from a file as an import reads it."""
    csv.writer(file := StringIO()).writerows(
        [COLUMNS, *((f"E-{place}", name, "Books", "9.00") for place, name in enumerate(names))]
    )
    file.seek(0)
    lines = [line for line in read_lines(file) if isinstance(line, ProductLine)]
    assert len(lines) == len(names)
    services.import_products(lines, actor="test")


def test_titles_of_a_file_are_shown_and_not_run() -> None:
    a_shop_of(EVIL)
    product = Product.objects.get(name=SCRIPT)
    client = signed_in("operator")

    assert set(Product.objects.values_list("name", flat=True)) == set(EVIL)
    for address in (
        reverse("pricing:products"),
        reverse("pricing:product", args=[product.pk]),
        reverse("pricing:product_edit", args=[product.pk]),
        f"{reverse('pricing:products')}?search={SCRIPT}",
        reverse("orders:place"),
    ):
        page = client.get(address).content.decode()
        assert SCRIPT not in page, address
        assert "<img src=x" not in page, address
    assert "&lt;script&gt;" in client.get(reverse("pricing:products")).content.decode()


def test_a_search_that_is_sql_finds_what_is_called_so() -> None:
    a_shop_of(EVIL)
    client = signed_in("viewer")
    for name in EVIL:
        page = client.get(reverse("pricing:products"), {"search": name})
        assert [one.name for one in page.context["page"]] == [name]


def test_whatever_stands_in_an_address_no_page_fails_or_repeats_it() -> None:
    client = signed_in("operator")
    form = reverse("orders:place")  # it leads to itself, with a form's key
    pages = [form, *(one.path for one in addresses() if is_page(client, one.path))]
    assert len(pages) > 13

    for path in pages:
        for nonsense in NONSENSE:
            asked = dict.fromkeys(ASKED, nonsense.encode("utf-8", "replace"))
            answer = client.get(path, asked)
            if path == form:
                answer = client.get(path, {**asked, "key": str(uuid4())})
            assert answer.status_code < 500, (path, nonsense)
            assert SCRIPT.encode() not in answer.content, path
            assert b"<img src=x" not in answer.content, path
    assert Product.objects.count() == 0
    assert Message.objects.count() == 0


def is_page(client: Client, path: str) -> bool:
    return not path.startswith(("/admin/", "/api/")) and client.get(path).status_code == 200
