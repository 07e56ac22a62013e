"""schemathesis over the whole API: what is sent is drawn from its description, on real rows.

Each operation is called with things that are there and with things that are not, as its schema
allows and as it does not. No answer is a failure of ours, and every answer is one that the
description has: its status, its content type, its shape. (tests/pages/test_api_fuzzed.py does so
with nothing there.)
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
from tests.credits.world import make_community, start
from tests.orders.shop import place, stocked
from tests.pricing.shop import schedule

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


@pytest.fixture
def there(transactional_db: None) -> dict[str, str]:
    """What is there, by the name of the parameter that asks for it; and the caller's token."""
    del transactional_db
    stocked(on_hand=100)
    make_community(credits=100, members=3)
    return {
        "token": f"Bearer {tokens.issue_token(user=make_user('operator'))}",
        "sku": "BOOK",
        "slug": "club",
        "reduction_id": str(schedule().pk),
        "campaign_id": str(start().pk),
        "order_id": str(place().pk),
    }


def test_every_answer_is_one_that_the_description_has(there: dict[str, str]) -> None:
    seen: dict[tuple[str, str], set[int]] = {}
    for operation in operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for known in (there, {"token": there["token"]}):
                statuses = seen.setdefault((operation.path, operation.method), set())
                fuzz(operation, mode, known, statuses)

    assert sorted(seen) == OPERATIONS
    blind = [one for one, statuses in seen.items() if not statuses & {200, 201, 409, 422}]
    assert blind == [], "an operation that was never let in tells nothing"
    assert sum(bool(statuses & {200, 201}) for statuses in seen.values()) > len(seen) / 2


def fuzz(operation: Any, mode: GenerationMode, known: dict[str, str], seen: set[int]) -> None:
    """Call one operation several times, with what is known in its parameters' place."""

    @seed(20_261_122)
    @STEADY
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        case.path_parameters |= {
            name: known[name] for name in case.path_parameters if name in known
        }
        key = {"Idempotency-Key": str(uuid.uuid4())}
        frame = {"Host": "localhost", "Authorization": known["token"], **key}
        case.headers = {**(case.headers or {}), **frame}
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        seen.add(answer.status_code)

    call()


def operations() -> Iterator[Any]:
    plain = json.loads(json.dumps(api.get_openapi_schema(), cls=DjangoJSONEncoder))
    schema = schemathesis.openapi.from_dict(plain)
    schema.app = application
    for found in schema.get_all_operations():
        yield found.ok()
