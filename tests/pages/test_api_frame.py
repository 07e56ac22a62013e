"""The API's frame: who may call, how much at once, and one shape for every refusal."""

import json
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from config.accounts import tokens
from config.api import api
from config.api_limits import TokenRate
from tests.accounts.people import make_user
from tests.pricing.shop import make_product
from tests.security import granted

pytestmark = pytest.mark.django_db
REDUCTIONS = "/api/v1/price-reductions"


class Caller:
    """A program with a token."""

    def __init__(self, role: str) -> None:
        self.bearer = f"Bearer {tokens.issue_token(user=make_user(role))}"
        self.client = Client(enforce_csrf_checks=True)

    def get(self, address: str) -> Any:
        return self.client.get(address, headers={"Authorization": self.bearer})

    def post(self, body: str | bytes, address: str = REDUCTIONS) -> Any:
        headers = {"Authorization": self.bearer, "Idempotency-Key": str(uuid.uuid4())}
        return self.client.post(address, body, content_type="application/json", headers=headers)


@pytest.fixture
def operator() -> Caller:
    return Caller("operator")


def error(answer: Any) -> tuple[int, str]:
    """The status, and the code in the one shape that errors have."""
    (name,) = answer.json()
    assert name == "error"
    assert answer.json()["error"]["message"]
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer once_wrong", "Basic b3A6b3A=", "x\x00y"])
def test_without_a_valid_token_nothing_is_told(header: str) -> None:
    answer = Client().get("/api/v1/products", headers={"Authorization": header})

    assert error(answer) == (401, "unauthorized")
    assert "api_token" in answer.json()["error"]["message"]


def test_a_session_is_no_token() -> None:
    """Or another site could make a signed-in browser call the API."""
    client = Client()
    client.force_login(make_user("operator"))

    assert error(client.get("/api/v1/products")) == (401, "unauthorized")


def test_a_viewer_reads_and_does_not_act() -> None:
    make_product()
    viewer = Caller("viewer")

    assert viewer.get("/api/v1/products").status_code == 200
    answer = viewer.post(json.dumps({"sku": "BOOK", "percent": "10"}))
    assert error(answer) == (403, "forbidden")


def test_an_operator_acts(operator: Caller) -> None:
    make_product()

    assert operator.post(json.dumps({"sku": "BOOK", "percent": "10"})).status_code == 201


def operations() -> list[tuple[str, str]]:
    """Every method and address of the API, with something in the place of each parameter."""
    return [
        (method, re.sub(r"\{[^}]+\}", str(uuid.uuid4()), path))
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    ]


def test_without_a_role_every_operation_is_refused() -> None:
    nobody = Caller("")
    for method, address in operations():
        answer = nobody.get(address) if method == "get" else nobody.post("{}", address)
        assert error(answer) == (403, "forbidden"), f"{method} {address}"


def test_a_viewer_changes_nothing_by_any_operation() -> None:
    """Of what an operator would be granted: another request might be refused for what it says."""
    viewer = Caller("viewer")
    for path, methods in api.get_openapi_schema()["paths"].items():
        address = re.sub(r"\{[^}]+\}", str(uuid.uuid4()), path)
        for body in granted.BODIES.get(path, [{}]) if "post" in methods else []:
            assert error(viewer.post(json.dumps(body), address)) == (403, "forbidden"), path


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("x" * 5_000_000, 413, "too large"),
        ('{"a":' * 30 + "1" + "}" * 30, 400, "nested deeper"),
        ("[" * 100_000 + "]" * 100_000, 400, "nested deeper"),
        ('{"sku": "BOOK", "percent": NaN}', 400, "NaN is not JSON"),
        ('{"sku": "BOOK", "sku": "OTHER"}', 400, "a name twice"),
        ("{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        ("1" * 5_000, 400, "not JSON"),
        ("[]", 422, "body: "),
        ("null", 422, "body: "),
        ("", 422, "body: "),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_what_to_do(
    operator: Caller, body: str | bytes, status: int, says: str
) -> None:
    answer = operator.post(body)

    assert error(answer)[0] == status
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["%00", "BOOK%00", "%0D%0AX:%20y", "%F0%28"])
def test_what_can_be_nobodys_name_is_not_found(operator: Caller, name: str) -> None:
    """The database would refuse to be asked for some of these; schemathesis hardly draws them."""
    for place in ("products", "communities"):
        assert error(operator.get(f"/api/v1/{place}/{name}")) == (404, "not_found")


def test_an_invalid_field_is_named(operator: Caller) -> None:
    make_product()
    answer = operator.post(json.dumps({"sku": "BOOK", "percent": "101", "colour": "red"}))

    assert error(answer) == (422, "invalid")
    assert set(answer.json()["error"]["fields"]) == {"colour"}
    answer = operator.post(json.dumps({"sku": "BOOK", "percent": "101"}))
    assert set(answer.json()["error"]["fields"]) == {"percent"}


def test_too_many_requests_of_one_token_are_told_to_wait(
    operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    rate = TokenRate(rate=5)
    request = type("Request", (), {"api_token": type("Token", (), {"pk": 1})})
    other = type("Request", (), {"api_token": type("Token", (), {"pk": 2})})

    assert [rate.allow_request(request) for _ in range(8)] == [True] * 5 + [False] * 3
    assert rate.allow_request(other)
    now[0] += 0.2
    assert [rate.allow_request(request) for _ in range(2)] == [True, False]
    now[0] += 60
    assert sum(rate.allow_request(request) for _ in range(20)) == 5


def test_a_refused_request_gets_429_and_retry_after(
    operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenRate, "allow_request", lambda *_: False)

    answer = operator.get("/api/v1/products")

    assert error(answer) == (429, "throttled")
    assert answer["Retry-After"] == "1"


def test_the_description_is_for_people_signed_in_and_for_programs(operator: Caller) -> None:
    person = Client()
    person.force_login(make_user("viewer"))

    assert b"swagger" in person.get("/api/v1/docs").content
    assert operator.get("/api/v1/openapi.json").json()["info"]["title"] == "Onceproof"
    assert Client().get("/api/v1/openapi.json").status_code == 302
