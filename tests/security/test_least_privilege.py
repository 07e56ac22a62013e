"""With the database's roles and the broker's users of a deployment, everything works."""

import json
import urllib.request
import uuid
from typing import Any

import pytest
from celery import Celery

from config.accounts import tokens
from config.rights import WEB, WORKER
from tests.accounts.people import make_user
from tests.pricing.shop import make_product, price_of, schedule
from tests.security.least import Broker
from tests.stack import Stack


@pytest.fixture
def places(roles: dict[str, str], broker: Broker) -> dict[str, dict[str, str]]:
    """The environments of web and workers: each its own role and its own user."""
    return {
        "web": {"DATABASE_URL": roles[WEB], "BROKER_URL": broker.url("web")},
        "worker": {"DATABASE_URL": roles[WORKER], "BROKER_URL": broker.url("worker")},
    }


def test_from_the_request_to_the_effect(
    stack: Stack, places: dict[str, dict[str, str]], broker: Broker
) -> None:
    make_product()
    web = stack.web(environment=places["web"])
    worker = stack.worker(environment=places["worker"])
    assert post(web.address, {"sku": "BOOK", "percent": "10"}) == 201
    # No relay is there yet: this was done by the dispatch that the web process sent.
    stack.wait_until(lambda: price_of() == "9.00", timeout=60, why=worker)

    schedule(percent="50")  # rings at another broker, where nobody is
    relay, beat = (one(environment=places["worker"]) for one in (stack.relay, stack.beat))
    stack.wait_until(lambda: price_of() == "4.50", timeout=60, why=relay)

    stack.wait_until(lambda: is_ready(web.address), why=web)  # it sees the worker's heartbeat
    stack.wait_until(lambda: "this beat sends" in beat.log.read_text(), why=beat)
    assert told(broker)
    for child in (web, worker, relay, beat):
        log = child.log.read_text().lower()
        assert "permission" not in log, log[-4000:]
        assert "noperm" not in log, log[-4000:]


def post(address: str, body: dict[str, Any]) -> int:
    """Send a reduction with a token of an operator; the answer's status."""
    headers = {
        "Authorization": f"Bearer {tokens.issue_token(user=make_user('operator'))}",
        "Idempotency-Key": str(uuid.uuid4()),
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(
        f"{address}/api/v1/price-reductions", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=60) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


def told(broker: Broker) -> list[str]:
    """What Flower's user hears first, asked for as Flower asks."""
    heard: list[str] = []

    def note(event: dict[str, Any]) -> None:
        heard.append(event["type"])
        events.should_stop = True

    app = Celery(broker=broker.url("flower"), set_as_current=False)
    with app.connection_for_read() as connection:
        events = app.events.Receiver(connection, handlers={"*": note})
        events.capture(limit=None, timeout=60, wakeup=True)  # raises TimeoutError where it is deaf
    return heard
