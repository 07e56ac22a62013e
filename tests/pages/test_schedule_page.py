"""The form that schedules a reduction: one form, one reduction."""

import re
from typing import Any

import pytest
from django.test import Client

from pricing.models import PriceReduction
from tests.accounts.people import make_user, signed_in
from tests.pricing.shop import make_product
from tests.pricing.threads import at_once

pytestmark = pytest.mark.django_db
FORM = "/reductions/new/"


class Page:
    """The form as it was rendered, and a hand to fill it in."""

    def __init__(self, client: Client, address: str = FORM) -> None:
        self.client = client
        html = client.get(address).content.decode()
        self.html = html
        self.fields = {
            "csrfmiddlewaretoken": _value(html, "csrfmiddlewaretoken"),
            "key": _value(html, "key"),
            "scope": "sku",
            "target": "BOOK",
            "unit": "percent",
            "value": "10",
            "starts_at": "",
            "expires_at": "",
            "if_price_changed": "skip",
        }

    def send(self, **filled: str) -> Any:
        return self.client.post(FORM, {**self.fields, **filled})


def _value(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', html)
    assert found, f"no field {name}"
    return found[1]


@pytest.fixture
def operator() -> Client:
    make_product()
    return signed_in("operator")


def test_one_form_schedules_one_reduction_however_often_it_is_sent(operator: Client) -> None:
    page = Page(operator)

    answers = [page.send() for _ in range(3)]  # a double-click, and the back button

    (made,) = PriceReduction.objects.all()
    assert {answer["Location"] for answer in answers} == {f"/reductions/{made.pk}/"}
    assert made.created_by == "operator"


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_schedule_one() -> None:
    make_product()
    page = Page(signed_in("operator"))

    answers = at_once(*[page.send] * 6)

    (made,) = PriceReduction.objects.all()
    assert {answer["Location"] for answer in answers} == {f"/reductions/{made.pk}/"}


def test_each_rendered_form_is_a_reduction_of_its_own(operator: Client) -> None:
    Page(operator).send()
    Page(operator).send()

    assert PriceReduction.objects.count() == 2


def test_a_form_sent_again_with_other_values_asks_first(operator: Client) -> None:
    page = Page(operator)
    page.send()

    asked = page.send(value="20")

    assert asked.status_code == 422
    assert b"has scheduled a reduction already" in asked.content
    assert PriceReduction.objects.count() == 1
    page.fields["key"] = _value(asked.content.decode(), "key")
    assert page.send(value="20").status_code == 302
    assert PriceReduction.objects.count() == 2


def test_the_key_of_somebody_elses_form_is_not_theirs(operator: Client) -> None:
    page = Page(operator)
    page.send()
    other = Client()
    other.force_login(make_user("operator", "another"))

    other.post(FORM, {**page.fields})

    assert set(PriceReduction.objects.values_list("created_by", flat=True)) == {
        "operator",
        "another",
    }


def test_a_category_an_amount_and_times_arrive_as_they_were_meant(operator: Client) -> None:
    Page(operator).send(
        scope="category",
        target="Books",
        unit="amount",
        value="1.50",
        starts_at="2030-01-31 09:00",
        expires_at="2030-01-31 12:00+01:00",
        if_price_changed="apply",
    )

    made = PriceReduction.objects.get()
    assert (made.category, made.amount, made.percent) == ("Books", 1.5, None)
    assert made.starts_at.isoformat() == "2030-01-31T09:00:00+00:00"
    assert made.expires_at.isoformat() == "2030-01-31T11:00:00+00:00"
    assert made.if_price_changed == "apply"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", "UNKNOWN"),
        ("target", ""),
        ("target", "BO\0OK"),
        ("value", "0"),
        ("value", "-5"),
        ("value", "101"),
        ("value", "NaN"),
        ("value", "1e3"),
        ("value", "10.123"),
        ("value", ""),
        ("starts_at", "2020-01-01 00:00"),
        ("starts_at", "tomorrow"),
        ("starts_at", "2030-01-31"),
        ("expires_at", "2020-01-01 00:00"),
        ("key", "no uuid"),
        ("scope", "everything"),
        ("if_price_changed", "perhaps"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field_and_changes_nothing(
    operator: Client, field: str, value: str
) -> None:
    answer = Page(operator).send(**{field: value})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not PriceReduction.objects.exists()


def test_a_category_longer_than_any_is_refused_at_its_field(operator: Client) -> None:
    answer = Page(operator).send(scope="category", target="x" * 150)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["target"]
    assert not PriceReduction.objects.exists()


def test_what_was_typed_stands_in_the_form_when_it_comes_back(operator: Client) -> None:
    answer = Page(operator).send(value="<b>101</b>")

    assert b'value="&lt;b&gt;101&lt;/b&gt;"' in answer.content
    assert b'aria-invalid="true"' in answer.content


def test_the_form_comes_filled_in_from_a_products_page(operator: Client) -> None:
    assert 'value="BOOK"' in Page(operator, f"{FORM}?sku=BOOK").html
    assert 'value="Books"' in Page(operator, f"{FORM}?category=Books").html


def test_a_viewer_cannot_schedule_even_with_a_form_of_their_own_making() -> None:
    make_product()
    viewer = Client()
    viewer.force_login(make_user("viewer"))

    assert viewer.get(FORM).status_code == 403
    assert viewer.post(FORM, {"target": "BOOK"}).status_code == 403
    assert not PriceReduction.objects.exists()


def test_another_site_cannot_send_the_form(operator: Client) -> None:
    page = Page(operator)
    page.fields["csrfmiddlewaretoken"] = "forged"

    answer = page.send()

    assert answer.status_code == 403
    assert b"form has gone stale" in answer.content
    assert not PriceReduction.objects.exists()
