"""Lines of web, relay and worker find together by their fields, and hold nothing private."""

import json
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from config.accounts import tokens
from config.embedded.child import Child
from orders.models import Order
from outbox.ids import uuid7
from outbox.models import Message, Run
from pricing.models import PriceReduction
from tests.accounts.people import make_user
from tests.orders.shop import stocked
from tests.stack import Stack

API = "/api/v1"
Line = dict[str, Any]


def lines(child: Child, **fields: object) -> list[Line]:
    """The JSON lines of a process that carry all these fields."""
    read = (json.loads(one) for one in child.log.read_text().splitlines() if one.startswith("{"))
    return [one for one in read if fields.items() <= one.items()]


class Shop:
    """An operator's program that speaks to a real web server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.token = tokens.issue_token(user=make_user("operator"))

    def post(self, path: str, body: dict[str, Any], key: str) -> Any:
        """POST JSON under an idempotency key; the answer's JSON."""
        return self.ask(path, json.dumps(body).encode(), **{"Idempotency-Key": key})

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> Any:
        """GET, or POST where there is a body; whatever the answer's status."""
        headers |= {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as refusal:
            return refusal.code


def test_one_job_is_followed_through_all_processes_by_its_fields(stack: Stack) -> None:
    worker, web = stack.worker(), stack.web()
    shop = Shop(web.address)
    stocked()
    one = {"sku": "BOOK", "percent": "10"}
    now = shop.post(f"{API}/price-reductions", one, "spring-sale")["id"]
    scheduled = PriceReduction.objects.filter(status="scheduled")
    stack.wait_until(lambda: not scheduled.exists(), why=worker)  # by the request's own dispatch
    relay = stack.relay()
    soon = (timezone.now() + timedelta(seconds=2)).isoformat()
    later = shop.post(f"{API}/price-reductions", {**one, "starts_at": soon}, "late-sale")["id"]
    order = shop.post(
        f"{API}/orders",
        {"lines": [{"sku": "BOOK", "quantity": 1}], "payment_method": "pm_card_visa"},
        "order-1",
    )["id"]
    crashed = _crashed_for_the_last_time()

    stack.wait_until(lambda: not scheduled.exists(), why=worker)
    stack.wait_until(lambda: lines(worker, event="call_ended"), why=worker)
    stack.wait_until(lambda: lines(relay, event="message ended"), why=relay)

    _the_request_that_dispatched_it(web, worker, now)
    _what_the_relay_woke(web, worker, later)
    _each_step_of_the_saga(web, worker, order)
    (ended,) = lines(relay, event="message ended", message_id=str(crashed.pk))
    assert ended["operation_id"] == str(crashed.operation_id)
    assert (ended["handler"], ended["idempotency_key"]) == (crashed.handler, crashed.key)
    assert lines(relay, event="relay round", process="relay")


def _the_request_that_dispatched_it(web: Child, worker: Child, reduction_id: str) -> None:
    (asked,) = lines(web, event="reduction scheduled", reduction_id=reduction_id)
    assert asked["idempotency_key"] == "spring-sale"
    (done,) = lines(worker, event="effect done", message_id=asked["message_id"])
    same = ("operation_id", "request_id", "user_id")
    assert [done[name] for name in same] == [asked[name] for name in same]
    assert (done["handler"], done["attempt"]) == ("pricing.apply_reduction", 1)
    assert done["task_id"] == Message.objects.get(pk=done["message_id"]).task_id
    assert lines(web, event="request_finished", request_id=asked["request_id"], code=201)


def _what_the_relay_woke(web: Child, worker: Child, reduction_id: str) -> None:
    """No request is named: it may be another one's dispatch that a worker takes it along with."""
    (asked,) = lines(web, event="reduction scheduled", reduction_id=reduction_id)
    (done,) = lines(worker, event="effect done", message_id=asked["message_id"])
    assert done["operation_id"] == asked["operation_id"]
    assert done["task_id"] == Message.objects.get(pk=done["message_id"]).task_id != ""
    assert "request_id" not in done


def _each_step_of_the_saga(web: Child, worker: Child, order_id: str) -> None:
    operation = str(Order.objects.get(pk=order_id).operation_id)
    (placed,) = lines(web, event="order_placed", order_id=order_id)
    assert (placed["operation_id"], placed["idempotency_key"]) == (operation, "order-1")
    of_order: Line = {"operation_id": operation}
    (here,) = lines(worker, event="step_ended", saga_step="reserve", **of_order)
    assert (here["handler"], here["attempt"]) == ("orders.run_step", 1)
    assert here["idempotency_key"].endswith(":reserve")
    call = lines(worker, event="call_ended", saga_step="authorise", **of_order)[0]
    assert call["task_id"]
    (began,) = lines(worker, event="effect done", message_id=call["message_id"])
    assert began["idempotency_key"].endswith(":authorise")


def _crashed_for_the_last_time() -> Message:
    """A message whose third run alone has died: the relay says so, and ends it."""
    message = Message.objects.create(
        handler="pricing.apply_reduction",
        args={"reduction_id": str(uuid4())},
        key="that-kills",
        operation_id=uuid7(),
        crashes=2,
        alone=True,
    )
    Run.objects.create(handler=message.handler, worker="gone:1", message_ids=[message.pk])
    Run.objects.update(started_at=Now() - timedelta(seconds=10))
    return message


def test_neither_what_people_search_for_nor_a_token_gets_in(stack: Stack) -> None:
    web = stack.web(environment={"LOG_LEVEL": "DEBUG"})
    shop = Shop(web.address)
    words = ["zebra-and-co", "Anna%40example.org", quote("+49 171 1234567"), "hunter2"]
    for word in words:
        shop.ask(f"{API}/products?search={word}")
        for page in ("products", "orders", "operations/messages", "accounts/sign-in", "nowhere"):
            _open(f"{web.address}/{page}/?search={word}&next=/x?token={word}")
    token = uuid4()
    assert shop.ask(f"/callbacks/texts/{token}/", b"MessageStatus=sent") in (400, 403, 404)
    called = "POST /callbacks/texts/[redacted]/"
    stack.wait_until(lambda: lines(web, request=called, event="request_finished"), why=web)
    written = web.log.read_text()
    assert "GET /api/v1/products" in written
    for private in (*words, "zebra", "example.org", "1234567", str(token), shop.token):
        assert private not in written, private


def _open(address: str) -> None:
    with suppress(urllib.error.HTTPError):  # some of them are refused, and logged as well
        urllib.request.urlopen(address, timeout=60).read()


def test_messages_that_are_taken_along_name_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    from celery import current_app

    from config import carried

    task, own, other = current_app.tasks["pricing.apply_reduction"], uuid7(), uuid7()
    task.push_request(args=([str(own)],), id="task-1")
    monkeypatch.setattr(carried, "current_task", task)
    try:
        assert "request_id" in _after(own)
        assert "request_id" not in _after(other)
        handed = {"request_id": "r", "user_id": 1, "message_id": "m", "parent_task_id": "t"}
        carried.with_a_dispatch(context=handed)
        assert handed == {"parent_task_id": "t"}
    finally:
        task.pop_request()


def _after(message_id: UUID) -> Line:
    from config import carried

    event = {"request_id": "r-1", "message_id": str(message_id)}
    return dict(carried.of_its_own_request(None, "info", event))
