"""schemathesis over the whole API: what is sent is drawn from its description, on real rows.

Each operation is called with things that are there and with things that are not, as its schema
allows and as it does not. No answer is a failure of ours, and every answer is one that the
description has: its status, its content type, its shape, no more fields and no fewer. Hardly
anything that is drawn names what is there, so each operation is also asked for what it grants: its
success is checked as well, and the stored answer to the same request again.
(tests/pages/test_api_fuzzed.py does so with nothing there.)
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.serializers.json import DjangoJSONEncoder
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.accounts import tokens
from config.api import api
from config.wsgi import application
from tests.accounts.people import make_user
from tests.credits.world import make_community
from tests.security import granted

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# The same requests at each run: what they find is for now, and not for whoever changes a word.
STEADY = settings(
    max_examples=3,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = sorted(
    (path, method)
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method in methods
)
TO_START = ("/api/v1/campaigns", "post")


@pytest.fixture
def caller(transactional_db: None) -> str:
    """The Authorization of somebody who may do everything, in a shop that has something."""
    del transactional_db
    granted.a_shop()
    return f"Bearer {tokens.issue_token(user=make_user('operator'))}"


def test_every_answer_is_one_that_the_description_has(caller: str) -> None:
    seen: dict[tuple[str, str], set[int]] = {}
    for operation in operations():
        statuses = seen.setdefault((operation.path, operation.method), set())
        for known in (granted.parameters(), {}):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                fuzz(operation, mode, caller, known, statuses)

    assert sorted(seen) == OPERATIONS
    blind = [one for one, statuses in seen.items() if not statuses & {200, 201, 404, 409, 422}]
    assert blind == [], "an operation that was never let in tells nothing"


def test_what_is_granted_is_answered_as_described_and_again_alike(caller: str) -> None:
    for operation in operations():
        known, is_post = granted.parameters(), operation.method == "post"
        for body in granted.BODIES.get(operation.path, [None]) if is_post else [None]:
            case = operation.Case(
                path_parameters={one.name: known[one.name] for one in operation.path_parameters},
                **({"body": body, "media_type": "application/json"} if body else {}),
            )
            key = str(uuid.uuid4())
            answer = call(case, caller, known, key)
            assert answer.status_code in (200, 201), answer.text
            if is_post:
                again = call(case, caller, known, key)
                assert (again.status_code, again.json()) == (200, answer.json())
                assert again.headers["idempotent-replayed"] == ["true"]


def test_too_few_credits_are_answered_as_described(caller: str) -> None:
    (start,) = (one for one in operations() if (one.path, one.method) == TO_START)
    make_community("poor", credits=1, members=3)
    more_than_there_are = {"community": "poor", "text": "Hello"}

    answer = call(start.Case(body=more_than_there_are, media_type="application/json"), caller, {})

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "too_few_credits"
    assert answer.json()["missing"] == answer.json()["error"]["missing"] == 2
    common = api.get_openapi_schema()["components"]["schemas"]["Error"]["properties"]
    assert set(common) == {"error"}, "else the common shape would allow what is this answer's own"


def fuzz(
    operation: Any, mode: GenerationMode, caller: str, known: dict[str, str], seen: set[int]
) -> None:
    """Call one operation several times, with what is known in its parameters' place."""

    @seed(20_261_122)
    @STEADY
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        seen.add(call(case, caller, known).status_code)

    ask()


def call(case: Any, caller: str, known: dict[str, str], key: str = "") -> Any:
    """Send it, and hold the answer against the description."""
    case.path_parameters |= {name: known[name] for name in case.path_parameters if name in known}
    frame = {"Host": "localhost", "Authorization": caller}
    frame["Idempotency-Key"] = key or str(uuid.uuid4())
    case.headers = {**(case.headers or {}), **frame}
    answer = case.call()
    case.validate_response(answer, checks=CHECKS)
    return answer


def operations() -> Iterator[Any]:
    plain = json.loads(json.dumps(api.get_openapi_schema(), cls=DjangoJSONEncoder))
    for shape in plain["components"]["schemas"].values():
        shape.setdefault("additionalProperties", False)  # what is not described is a finding
    schema = schemathesis.openapi.from_dict(plain)
    schema.app = application
    for found in schema.get_all_operations():
        yield found.ok()
