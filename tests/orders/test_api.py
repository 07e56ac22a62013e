"""The API: placing, looking, cancelling; and every bad input is told, with nothing changed."""

import re
from typing import Any

import pytest

from config.redaction import redact_text
from orders.models import Order
from outbox.ids import uuid7
from outbox.models import Message
from pricing.models import Product
from tests.orders.shop import stock_of, stocked, work_off
from tests.pricing.api_client import ApiClient
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent")]
with_commits = pytest.mark.django_db(transaction=True)
ORDERS = "/api/v1/orders"
CARD = "4242 4242 4242 4242"


def body(quantity: Any = 2, **more: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku": "BOOK", "quantity": quantity}],
        "payment_method": "pm_card_visa",
        **more,
    }


@pytest.fixture
def api() -> ApiClient:
    stocked()
    return ApiClient()


@with_commits
def test_an_order_is_placed_worked_off_and_shown(api: ApiClient, sandbox: SandboxProcess) -> None:
    answer = api.post(body(expected_total="20.00"), ORDERS)
    assert answer.status_code == 201
    placed = answer.json()
    assert (placed["status"], placed["total"]) == ("placed", "20.00")
    assert placed["steps"][0] == {"name": "reserve", "status": "waiting", "attempts": 0}
    work_off()
    shown = api.get(f"{ORDERS}/{placed['id']}").json()
    assert shown["status"] == "shipped"
    assert {step["status"] for step in shown["steps"]} == {"done"}


def test_the_same_request_places_one_order(
    api: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "orders")
    first = api.post(body(), ORDERS, key="one")
    second = api.post(body(), ORDERS, key="one")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Order.objects.count() == 1
    assert caplog.text.count("order_placed") == 1
    assert first.json()["operation_id"] in caplog.text
    assert (
        Message.objects.get(handler="orders.run_step").key == f"order:{first.json()['id']}:reserve"
    )


def address_of(length: int) -> str:
    """A well-formed address of so many characters."""
    return "n" * (length - 204) + "@" + ("d" * 49 + ".") * 4 + "org"


BAD = {
    "quantity 0": (body(0), "lines.0.quantity"),
    "quantity -1": (body(-1), "lines.0.quantity"),
    "quantity 10^9": (body(10**9), "lines.0.quantity"),
    "quantity true": (body(True), "lines.0.quantity"),
    "quantity text": (body("2"), "lines.0.quantity"),
    "quantity half": (body(0.5), "lines.0.quantity"),
    "more than in stock": (body(11), "lines"),
    "unknown product": ({**body(), "lines": [{"sku": "NONE", "quantity": 1}]}, "lines"),
    "no lines": ({**body(), "lines": []}, "lines"),
    "too many lines": ({**body(), "lines": body()["lines"] * 51}, "lines"),
    "no payment method": ({**body(), "payment_method": ""}, "payment_method"),
    "a card number": (body(payment_method=CARD), "payment_method"),
    "a bare card number": (body(payment_method=CARD.replace(" ", "")), "payment_method"),
    "a hidden card number": (body(payment_method="pm_4242424242424242"), "payment_method"),
    "another field": (body(card=CARD), "card"),
    "no e-mail address": (body(email="nobody"), "email"),
    "a long e-mail address": (body(email=address_of(255)), "email"),
    "the longest e-mail address": (body(email=address_of(320)), "email"),
    "no total": (body(expected_total="much"), "expected_total"),
}


@pytest.mark.parametrize(("sent", "field"), BAD.values(), ids=BAD)
def test_bad_input_is_told_and_changes_nothing(
    api: ApiClient, caplog: pytest.LogCaptureFixture, sent: dict[str, Any], field: str
) -> None:
    answer = api.post(sent, ORDERS)
    assert answer.status_code == 422
    assert field in answer.json()["error"]["fields"]
    told = (answer.content.decode() + caplog.text).replace(" ", "")
    assert "42424242" not in told  # eight of them: four occur in ids by chance
    assert not Order.objects.exists()
    assert not Message.objects.exists()
    assert stock_of() == (10, 0)


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v1/orders/4242424242424242",
        f"sku={CARD}!",
        "5555-5555-5555-4444",
        "378282246310005",
    ],
)
def test_a_card_number_in_an_address_is_not_logged(text: str) -> None:
    told = redact_text(text)
    assert "[redacted]" in told
    assert not re.search(r"\d{4}[ -]?\d{4}", told)


def test_ids_times_and_amounts_stay_in_the_log() -> None:
    for text in (f"{uuid7()}", "2026-11-22T05:57:56.990179Z", "1795327076990179123", "-4242.50"):
        assert redact_text(text) == text


def test_two_lines_of_one_product_are_added_up(api: ApiClient) -> None:
    lines = [{"sku": "BOOK", "quantity": 6}, {"sku": "BOOK", "quantity": 5}]
    assert api.post({**body(), "lines": lines}, ORDERS).status_code == 422
    lines[1]["quantity"] = 4
    placed = api.post({**body(), "lines": lines}, ORDERS).json()
    assert placed["lines"] == [{"sku": "BOOK", "quantity": 10, "price": "10.00"}]


def test_a_price_that_changed_is_told_and_not_charged(api: ApiClient) -> None:
    Product.objects.update(price="12.00")
    answer = api.post(body(expected_total="20.00"), ORDERS)
    assert answer.status_code == 409
    assert "24.00 instead of 20.00" in answer.json()["error"]["message"]
    assert not Order.objects.exists()


def test_who_may_not_act_changes_nothing(api: ApiClient) -> None:
    placed = api.post(body(), ORDERS).json()
    viewer = ApiClient("viewer", "other")
    assert viewer.get(f"{ORDERS}/{placed['id']}").status_code == 200
    assert viewer.post(body(), ORDERS).status_code == 403
    assert viewer.post({}, f"{ORDERS}/{placed['id']}/cancel").status_code == 403
    assert Order.objects.get().status == "placed"


@with_commits
def test_cancelling_again_and_too_late(api: ApiClient, sandbox: SandboxProcess) -> None:
    address = f"{ORDERS}/{api.post(body(), ORDERS).json()['id']}/cancel"
    assert api.post({}, address).json()["status"] == "cancelled"
    assert api.post({}, address).json()["status"] == "cancelled"
    work_off()
    shipped = api.post(body(), ORDERS).json()["id"]
    work_off()
    answer = api.post({}, f"{ORDERS}/{shipped}/cancel")
    assert answer.status_code == 409
    assert "shipped" in answer.json()["error"]["message"]
    assert api.get(f"{ORDERS}/{'0' * 32}").status_code == 404
