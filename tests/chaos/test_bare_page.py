"""The address of the bare effects: a client of the load is let in by its token, as at the API."""

import pytest

from outbox.models import Message
from tests.chaos.bench import Bench
from tests.pricing.api_client import ApiClient


@pytest.mark.urls("chaos.planted.urls")
def test_a_client_with_a_token_has_bare_effects_enqueued(bench: Bench) -> None:
    answer = ApiClient().post({"numbers": [1, 2]}, "/chaos/bare")
    assert (answer.status_code, answer.json()) == (201, {"id": 1})
    assert Message.objects.filter(handler="chaos.bare").count() == 2


@pytest.mark.urls("chaos.planted.urls")
def test_a_stranger_has_none(bench: Bench) -> None:
    client = ApiClient()
    client.headers = {}
    assert client.post({"numbers": [1]}, "/chaos/bare").status_code == 302
    assert not Message.objects.exists()
