"""The order pages: one form places one order, the saga is drawn, roles hold."""

import re
from typing import Any

import pytest
from django.test import Client

from orders.models import Order
from pricing.models import Product
from tests.accounts.people import make_user
from tests.orders.shop import again, place, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent")]
with_commits = pytest.mark.django_db(transaction=True)


def signed_in(role: str = "operator") -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


@pytest.fixture
def client() -> Client:
    stocked()
    return signed_in()


def filled(client: Client, **changes: Any) -> dict[str, Any]:
    """The form as a browser would send it."""
    page = client.get("/orders/new/?sku=BOOK", follow=True).content.decode()
    hidden = {name: re.search(f'name="{name}" value="([^"]+)"', page) for name in ("key", "seen")}
    assert all(hidden.values())
    sent = {name: found.group(1) for name, found in hidden.items() if found}
    return {**sent, "sku": "BOOK", "quantity": "2", "payment_method": "pm_card_visa", **changes}


def test_double_click_back_button_and_reload_place_one_order(client: Client) -> None:
    form = filled(client)
    answers = [client.post("/orders/new/", form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer["Location"] for answer in answers}) == 1
    assert Order.objects.count() == 1


def test_a_nul_character_in_a_product_fails_no_page(client: Client) -> None:
    page = client.get("/orders/new/?sku=BO%00OK", follow=True)
    assert page.status_code == 200
    assert page.context["product"].sku == "BOOK"
    answer = client.post("/orders/new/", filled(client, sku="BO\x00OK"))
    assert answer.status_code == 422
    assert "Null characters are not allowed." in answer.content.decode()
    assert not Order.objects.exists()


def test_a_refunds_reason_is_kept_without_what_cannot_be_stored(client: Client) -> None:
    order = place()
    Order.objects.update(status="shipped", finished_at=order.created_at)
    assert client.post(f"/orders/{order.pk}/refund/", {"reason": "to\x00rn\x00"}).status_code == 302
    assert again(order).refund.reason == "torn"


def test_the_key_of_somebody_elses_form_places_an_order_of_ones_own(client: Client) -> None:
    form = filled(client)
    other = Client()
    other.force_login(make_user("operator", "another"))
    first, second = client.post("/orders/new/", form), other.post("/orders/new/", form)
    assert first["Location"] != second["Location"]
    assert Order.objects.count() == 2


def test_the_form_that_has_ordered_shows_its_order(client: Client) -> None:
    form = filled(client, quantity="3", email="you@example.org")
    placed = client.post("/orders/new/", form)["Location"]
    page = client.get("/orders/new/", {"sku": "BOOK", "key": form["key"]}).content.decode()
    assert placed in page
    for said in ('value="3"', 'value="you@example.org"', f'value="{form["key"]}"'):
        assert said in page


def test_a_form_that_was_sent_and_then_changed_asks_before_it_orders_again(client: Client) -> None:
    form = filled(client)
    client.post("/orders/new/", form)
    answer = client.post("/orders/new/", {**form, "quantity": "3"})
    assert answer.status_code == 422
    assert "placed an order already" in answer.content.decode()
    assert Order.objects.count() == 1


def test_a_price_that_the_page_did_not_show_is_told_first(client: Client) -> None:
    form = filled(client)
    Product.objects.update(price="12.00")
    told = client.post("/orders/new/", form).content.decode()
    assert "24.00 instead of 20.00" in told
    unseen = client.post("/orders/new/", {**form, "seen": ""}).content.decode()
    assert "costs 12.00 each" in unseen
    assert not Order.objects.exists()


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "many", "11", ""])
def test_bad_quantities_are_told(client: Client, quantity: str) -> None:
    assert client.post("/orders/new/", filled(client, quantity=quantity)).status_code == 422
    assert not Order.objects.exists()


@with_commits
def test_the_saga_is_drawn_with_steps_compensations_and_attempts(
    client: Client, sandbox: SandboxProcess
) -> None:
    sandbox.control.force("shipping", "refused", operation="create")
    order = place()
    live = client.get(f"/orders/{order.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "data-live hx-get" in live
    work_off()
    page = client.get(f"/orders/{order.pk}/").content.decode()
    assert "data-live hx-get" not in page
    for said in ("undo authorise: undone", "undo reserve: undone", "ship: refused", "pivot"):
        assert said in page
    assert "1 attempt" in page
    for told in (f"order:{order.pk}:ship", "ship, attempt 1", "held 20.00", "released 20.00"):
        assert told in page
    assert str(order.operation_id) in page
    assert client.get("/orders/?status=cancelled").content.decode().count(str(order.pk)) >= 1
    assert str(order.pk) not in client.get("/orders/?status=shipped").content.decode()
    assert str(order.pk) in client.get("/orders/?search=book").content.decode()


@with_commits
def test_cancel_and_refund_by_button(client: Client, sandbox: SandboxProcess) -> None:
    first, second = place(), place()
    client.post(f"/orders/{first.pk}/cancel/")
    work_off()
    assert (again(first).status, again(second).status) == ("cancelled", "shipped")
    for _ in range(2):
        assert client.post(f"/orders/{second.pk}/refund/", {"reason": "broken"}).status_code == 302
    work_off()
    assert "done: broken" in client.get(f"/orders/{second.pk}/").content.decode()
    assert [one["status"] for one in sandbox.control.log("payments")] == ["refunded"]
    assert stock_of() == (10, 0)


def test_a_viewer_looks_and_does_not_act(client: Client) -> None:
    order = place()
    viewer = signed_in("viewer")
    assert viewer.get("/orders/").status_code == 200
    assert viewer.get(f"/orders/{order.pk}/").status_code == 200
    assert viewer.get("/orders/new/").status_code == 403
    for act in ("cancel", "refund"):
        assert viewer.post(f"/orders/{order.pk}/{act}/").status_code == 403
    assert Client().get("/orders/").status_code == 302
