"""Whatever is sent to whichever operation: never a failure of ours, and one shape for every no."""

import json
import uuid
from typing import Any

import pytest
import schemathesis
from django.core.serializers.json import DjangoJSONEncoder
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from config.accounts import tokens
from config.api import api
from config.wsgi import application
from tests.accounts.people import make_user
from tests.pricing.shop import make_product

# The same requests at each run: what they find is for now, and not for whoever changes a word.
STEADY = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_makes_the_api_fail(mode: GenerationMode) -> None:
    make_product()
    bearer = f"Bearer {tokens.issue_token(user=make_user('operator'))}"

    def send(case: Any) -> None:
        case.headers = {
            **(case.headers or {}),
            "Host": "localhost",
            "Authorization": bearer,
            "Idempotency-Key": str(uuid.uuid4()),
        }
        answer = case.call()
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error"}, answer.text
            assert {"code", "message"} <= set(answer.json()["error"])

    for operation in _operations():
        STEADY(given(case=operation.as_strategy(generation_mode=mode))(send))()


def _operations() -> list[Any]:
    plain = json.loads(json.dumps(api.get_openapi_schema(), cls=DjangoJSONEncoder))
    schema = schemathesis.openapi.from_dict(plain)
    schema.app = application
    return [found.ok() for found in schema.get_all_operations()]
