"""The API of pricing: what it answers, what it refuses, and that a refusal changes nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from config.api import api as built
from outbox.models import Message, StoredAnswer
from pricing.models import PriceReduction
from tests.pricing.api_client import REDUCTIONS, ApiClient
from tests.pricing.shop import apply, edit, make_category, make_product, price_of, schedule

pytestmark = pytest.mark.django_db
PRODUCTS = "/api/v1/products"


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()


def skus(answer: Any) -> list[str]:
    return [item["sku"] for item in answer.json()["items"]]


def test_a_product_is_listed_with_its_price_as_a_string(api: ApiClient) -> None:
    make_product(price="10.50", floor="2.00")
    answer = api.get(PRODUCTS)
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [
            {
                "sku": "BOOK",
                "name": "Name of BOOK",
                "category": "Books",
                "price": "10.50",
                "floor": "2.00",
                "version": 1,
                "stock": 0,
                "reserved": 0,
            }
        ],
        "total": 1,
        "page": 1,
        "pages": 1,
    }


def test_search_finds_sku_name_and_category_and_the_exact_sku_first(api: ApiClient) -> None:
    make_product("A-PEN-1", category="Stationery")
    make_product("PEN", category="Stationery")
    make_product("INK", category="For the pen")
    make_product("MUG", category="Kitchen")
    assert skus(api.get(PRODUCTS, search="pen")) == ["PEN", "A-PEN-1", "INK"]
    assert skus(api.get(PRODUCTS, search="name of mug")) == ["MUG"]
    assert skus(api.get(PRODUCTS, search="%")) == []
    assert skus(api.get(PRODUCTS, search="\x00")) == []


def test_pages_hold_fifty(api: ApiClient) -> None:
    make_category(51)
    first, second = api.get(PRODUCTS), api.get(PRODUCTS, page=2)
    assert (len(skus(first)), len(skus(second))) == (50, 1)
    assert (first.json()["total"], first.json()["pages"]) == (51, 2)
    assert skus(api.get(PRODUCTS, page=10**30)) == []
    assert api.get(PRODUCTS, page=0).status_code == 422


def test_one_product(api: ApiClient) -> None:
    make_product("A B.1")
    assert api.get(f"{PRODUCTS}/A%20B.1").json()["sku"] == "A B.1"
    assert api.get(f"{PRODUCTS}/NONE").status_code == 404
    assert api.get(f"{PRODUCTS}/%00").status_code == 404


def test_a_reduction_is_scheduled_and_told(api: ApiClient) -> None:
    make_product()
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    answer = api.post({"sku": "BOOK", "percent": "12.50", "starts_at": soon})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["status"], told["reason"]) == ("scheduled", "")
    assert (told["sku"], told["category"], told["percent"], told["amount"]) == (
        "BOOK",
        None,
        "12.5",
        None,
    )
    assert (told["starts_at"], told["if_price_changed"]) == (soon, "skip")
    assert told["created_by"] == "operator"
    assert told["products"] == {"pending": 1, "applied": 0, "skipped": 0}
    assert api.get(f"{REDUCTIONS}/{told['id']}").json() == told


def test_what_became_of_it_is_told_with_the_reason(api: ApiClient) -> None:
    make_category(2)
    reduction = schedule(sku=None, category="Books")
    edit("Books-0", price="11.00")
    apply(reduction)
    told = api.get(f"{REDUCTIONS}/{reduction.pk}").json()
    assert (told["status"], told["category"], told["sku"]) == ("applied", "Books", None)
    assert told["products"] == {"pending": 0, "applied": 1, "skipped": 1}

    make_product()
    reduction = schedule()
    edit(price="11.00")
    apply(reduction)
    told = api.get(f"{REDUCTIONS}/{reduction.pk}").json()
    assert told["status"] == "skipped"
    assert told["reason"] == "price changed since it was scheduled (version 1, now 2)"


def test_an_unknown_reduction_is_not_found(api: ApiClient) -> None:
    assert api.get(f"{REDUCTIONS}/{uuid4()}").status_code == 404
    assert api.get(f"{REDUCTIONS}/17").status_code == 422
    assert api.post({}, f"{REDUCTIONS}/{uuid4()}/cancel").status_code == 404


def test_the_same_key_and_body_replay_the_answer(api: ApiClient) -> None:
    make_product()
    body = {"sku": "BOOK", "percent": "10"}
    first = api.post(body, key="one")
    again = api.post(body, key="one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert PriceReduction.objects.count() == Message.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(api: ApiClient) -> None:
    make_product()
    api.post({"sku": "BOOK", "percent": "10"}, key="one")
    assert api.post({"sku": "BOOK", "percent": "11"}, key="one").status_code == 422
    assert PriceReduction.objects.count() == 1


def test_without_a_key_nothing_is_scheduled(api: ApiClient) -> None:
    make_product()
    assert api.post({"sku": "BOOK", "percent": "10"}, key="").status_code == 400
    assert not PriceReduction.objects.exists()


def test_the_description_of_each_post_names_the_key() -> None:
    paths = built.get_openapi_schema()["paths"]
    posts = [path["post"] for name, path in paths.items() if REDUCTIONS in name and "post" in path]
    assert len(posts) == 2
    for post in posts:
        required = [one["name"] for one in post["parameters"] if one["required"]]
        assert "Idempotency-Key" in required, post["operationId"]


def test_a_key_belongs_to_its_user() -> None:
    make_product()
    body = {"sku": "BOOK", "percent": "10"}
    first = ApiClient(name="anna").post(body, key="one")
    second = ApiClient(name="bert").post(body, key="one")
    assert first.json()["id"] != second.json()["id"]


def test_a_viewer_sees_and_does_not_act() -> None:
    make_product()
    reduction = schedule()
    viewer = ApiClient("viewer")
    assert viewer.get(f"{REDUCTIONS}/{reduction.pk}").status_code == 200
    assert viewer.post({"sku": "BOOK", "percent": "10"}).status_code == 403
    assert viewer.post({}, f"{REDUCTIONS}/{reduction.pk}/cancel").status_code == 403
    assert PriceReduction.objects.count() == 1


def test_an_account_without_a_role_sees_nothing() -> None:
    make_product()
    reduction = schedule()
    nobody = ApiClient("")
    for address in (PRODUCTS, f"{PRODUCTS}/BOOK", f"{REDUCTIONS}/{reduction.pk}"):
        assert nobody.get(address).status_code == 403
    assert nobody.post({"sku": "BOOK", "percent": "10"}).status_code == 403


GOOD = {"sku": "BOOK", "percent": "10"}
BAD_BODIES = [
    ({"percent": "10"}, "sku"),
    ({"sku": "NONE", "percent": "10"}, "sku"),
    ({"sku": "BOOK", "category": "Books", "percent": "10"}, "sku"),
    ({"category": "None", "percent": "10"}, "category"),
    ({"category": "x" * 150, "percent": "10"}, "category"),
    ({"sku": "BOOK"}, "percent"),
    ({**GOOD, "amount": "1"}, "percent"),
    *[({"sku": "BOOK", "percent": value}, "percent") for value in ("0", "-5", "101", "NaN", "1e3")],
    *[({"sku": "BOOK", "percent": value}, "percent") for value in (10, 10.5, True, False, ["10"])],
    ({"sku": "BOOK", "amount": "10.01"}, "amount"),
    ({"sku": "BOOK", "amount": "1.001"}, "amount"),
    ({"sku": False, "percent": "10"}, "sku"),
    ({"sku": "B\u0000", "percent": "10"}, "sku"),
    ({**GOOD, "starts_at": "2001-01-01T00:00:00Z"}, "starts_at"),
    ({**GOOD, "starts_at": "2030-01-01T00:00:00"}, "starts_at"),
    ({**GOOD, "starts_at": 1893456000}, "starts_at"),
    ({**GOOD, "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
    ({**GOOD, "starts_at": "2099-01-02T00:00Z", "expires_at": "2099-01-01T00:00Z"}, "expires_at"),
    ({**GOOD, "if_price_changed": "ask"}, "if_price_changed"),
    ({**GOOD, "price": "1.00"}, "price"),
    ({**GOOD, "status": "applied"}, "status"),
    ({**GOOD, "actor": "root"}, "actor"),
    ({**GOOD, "key": "mine"}, "key"),
]


@pytest.mark.parametrize(("body", "field"), BAD_BODIES)
def test_bad_input_is_named_and_changes_nothing(
    api: ApiClient, body: dict[str, Any], field: str
) -> None:
    make_product()
    answer = api.post(body)
    assert answer.status_code == 422, answer.content
    assert field in answer.json()["error"]["fields"]
    assert not PriceReduction.objects.exists()
    assert not Message.objects.exists()
    assert not StoredAnswer.objects.exists()
    assert price_of() == "10.00"


def test_a_refused_request_may_be_corrected_under_the_same_key(api: ApiClient) -> None:
    make_product()
    assert api.post({"sku": "BOOK", "percent": "0"}, key="one").status_code == 422
    assert api.post({"sku": "BOOK", "percent": "10"}, key="one").status_code == 201


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '"x"', '{"sku": NaN}', "[" * 100_000, '{"a":' * 10_000, "\x00"],
)
def test_a_body_that_is_no_object_is_refused(api: ApiClient, body: str) -> None:
    assert api.post(body).status_code in {400, 422}
    assert not PriceReduction.objects.exists()


def test_a_body_of_five_megabytes_is_refused(api: ApiClient) -> None:
    make_product()
    body = json.dumps({"sku": "BOOK", "percent": "10" + " " * 5_000_000})
    assert api.post(body).status_code == 413
    assert not PriceReduction.objects.exists()


def test_a_reduction_is_cancelled_once(api: ApiClient) -> None:
    make_product()
    address = f"{REDUCTIONS}/{schedule().pk}/cancel"
    first = api.post({}, address)
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert first.json()["reason"] == "cancelled by operator"
    assert api.post({}, address).json() == first.json()


def test_what_has_ended_is_not_cancelled(api: ApiClient) -> None:
    make_product()
    reduction = apply(schedule())
    answer = api.post({}, f"{REDUCTIONS}/{reduction.pk}/cancel")
    assert answer.status_code == 409
    assert "applied already" in answer.json()["error"]["message"]
