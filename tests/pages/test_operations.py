"""The operations pages: what they show, who may act, and that the figures are the table's."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import outbox
from outbox import consumer, handlers, pauses
from outbox.delivery import Delivery
from outbox.desk.models import DeskAct
from outbox.models import Event, Message
from outbox.monitoring.measure import measure
from outbox.monitoring.models import Pause
from tests.accounts.people import make_user
from tests.pricing.shop import make_product, schedule, work_off

pytestmark = pytest.mark.django_db(transaction=True)
OVERVIEW, MESSAGES, ACT = "/operations/", "/operations/messages/", "/operations/messages/act/"


def signed_in(role: str = "") -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)


def dead(count: int = 1, error: str = "Fatal: the order is gone") -> list[Message]:
    made = []
    for _ in range(count):
        with transaction.atomic():
            one = outbox.enqueue("pricing.apply_reduction", args={"reduction_id": str(uuid4())})
        buried = Message.objects.filter(pk=one.message_id)
        buried.update(state="dead", last_error=error, finished_at=timezone.now())
        Event.objects.create(message=buried.get(), kind="dead", error=error)
        made.append(buried.get())
    return made


def test_the_overview_tells_backlog_rates_failures_and_schedules() -> None:
    make_product()
    schedule(starts_at="2090-01-01T00:00Z")
    schedule()
    dead()
    measure()
    page = signed_in("viewer").get(OVERVIEW).content.decode()
    row = page.partition('id="handler-pricing.apply_reduction"')[2].partition("</tr>")[0]
    assert row.count('<td class="number">1</td>') == 2  # due, later
    assert "Fatal" in page
    assert "outbox.reconcile" in page
    assert "Sessions" in page
    assert "None yet. The first" in page


def test_htmx_gets_the_living_part_alone() -> None:
    answer = signed_in("viewer").get(OVERVIEW, headers={"HX-Request": "true"})
    assert answer.content.strip().startswith(b'<div class="stack" id="operations" data-live')
    assert "HX-Request" in answer["Vary"]


def test_a_living_part_holds_no_form_and_every_button_of_it_has_one_outside() -> None:
    """What is typed would be lost with a part, and a form's token makes each answer another one."""
    make_product()
    schedule(starts_at="2090-01-01T00:00Z")
    waiting = Message.objects.get(handler="pricing.apply_reduction")
    operator = signed_in("operator")
    for address in (OVERVIEW, f"{MESSAGES}{waiting.pk}/"):
        page = operator.get(address).content.decode()
        part = operator.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "data-live" in part
        assert not re.findall("<form|csrf", part)
        buttons = re.findall("<button[^>]*>", part)
        assert buttons
        for button in buttons:
            (form,) = re.findall(r'form="(\w+)"', button)
            assert f'<form id="{form}"' in page
    assert 'id="reason" name="reason" maxlength="1000" autocomplete="off" hx-preserve' in part


def test_a_paused_handler_is_not_claimed_and_a_resumed_one_is_done_once() -> None:
    make_product()
    operator = signed_in("operator")
    sent = {"target": "handler:pricing.apply_reduction", "do": "pause"}
    operator.post("/operations/pause/", sent)
    operator.post("/operations/pause/", sent)
    reduction = schedule()
    assert work_off().done == 0
    assert "paused" in operator.get(OVERVIEW).content.decode()
    operator.post("/operations/pause/", {**sent, "do": "resume"})
    assert [work_off().done, work_off().done] == [1, 0]
    reduction.refresh_from_db()
    assert reduction.status == "applied"
    assert list(DeskAct.objects.values_list("kind", flat=True)) == ["resume", "pause"]


def test_a_paused_queue_holds_its_handlers_and_no_others() -> None:
    make_product()
    pauses.pause("queue:bulk", actor="test")
    schedule()
    assert work_off().done == 1
    pauses.pause("queue:default", actor="test")
    schedule()
    assert work_off().done == 0


def test_nobody_pauses_what_there_is_not() -> None:
    operator = signed_in("operator")
    for target in ("", "queue:nothing", "handler:x", "everything", "queue:"):
        page = operator.post("/operations/pause/", {"target": target, "do": "pause"}, follow=True)
        assert b"There is no" in page.content
    assert not Pause.objects.exists()


def test_the_list_finds_filters_and_says_when_nothing_matches() -> None:
    one, other = dead(2)
    client = signed_in("viewer")
    page = client.get(MESSAGES, {"search": str(one.pk)}).content.decode()
    assert f'title="{one.pk}"' in page
    assert f'title="{other.pk}"' not in page
    for asked in ({"state": "dead"}, {"handler": one.handler}, {"search": "order is"}):
        found = client.get(MESSAGES, asked).content.decode()
        assert f'title="{one.pk}"' in found, asked
    assert "Nothing matches" in client.get(MESSAGES, {"search": "zebra"}).content.decode()
    minute = f"{timezone.now():%Y-%m-%dT%H:%MZ}"
    client.get(MESSAGES, {"happened": "dead", "minute": minute})
    for nonsense in (
        {"state": "x", "minute": "y", "happened": "z"},
        {"search": "\x00", "after": "["},
    ):
        assert client.get(MESSAGES, nonsense).status_code == 200


def test_what_a_message_says_is_shown_and_not_run() -> None:
    (one,) = dead(error="Fatal: <script>alert(1)</script>")
    client = signed_in("viewer")
    for address in (MESSAGES, f"{MESSAGES}{one.pk}/"):
        assert b"<script>alert" not in client.get(address).content


def test_a_dry_run_changes_nothing_and_the_act_does_it_to_all_that_match() -> None:
    found = dead(3)
    dead(1, "Fatal: something else")
    operator = signed_in("operator")
    sent = {"act": "redrive", "all": "on", "state": "dead", "search": "order is"}
    tried = operator.post(ACT, {**sent, "trial": "on"}, follow=True).content.decode()
    assert "3 would be redriven." in tried
    assert not DeskAct.objects.exists()
    assert "3 were redriven." in operator.post(ACT, sent, follow=True).content.decode()
    assert Message.objects.filter(state="pending").count() == 3
    act = DeskAct.objects.get()
    assert (act.actor, act.done) == ("operator", 3)
    assert act.selection == {"all": {"text": "order is", "state": "dead"}}
    sent = {"act": "cancel", "id": [str(one.pk) for one in found[:2]]}
    assert "2 were cancelled." in operator.post(ACT, sent, follow=True).content.decode()
    sent = {"act": "discard", "all": "on", "state": "dead"}
    assert "needs a reason" in operator.post(ACT, sent, follow=True).content.decode()
    operator.post(ACT, {**sent, "reason": "too old"})
    assert Message.objects.filter(state="discarded").count() == 1


def test_one_act_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.desk.bulk.MOST", 2)
    dead(3)
    sent = {"act": "redrive", "all": "on", "state": "dead"}
    told = signed_in("operator").post(ACT, sent, follow=True).content.decode()
    assert "press again for the rest" in told
    assert Message.objects.filter(state="dead").count() == 1


def test_a_viewer_and_a_stranger_cannot_act() -> None:
    (one,) = dead()
    viewer = signed_in("viewer")
    operator, nobody = signed_in("operator"), signed_in()
    for address, sent in ((ACT, {"act": "redrive", "id": str(one.pk)}), ("/operations/pause/", {})):
        assert viewer.post(address, sent).status_code == 403
        assert Client().post(address, sent).status_code == 302
        assert operator.get(address).status_code == 405
    for address in (OVERVIEW, MESSAGES, f"{MESSAGES}{one.pk}/"):
        assert viewer.get(address).content.count(b'method="post"') == 1  # to sign out
        assert nobody.get(address).status_code == 403
        assert Client().get(address).status_code == 302


def test_the_timeline_goes_from_the_request_to_the_effect() -> None:
    make_product()
    reduction = schedule()
    message = Message.objects.get(handler="pricing.apply_reduction")
    handler = handlers.get("pricing.apply_reduction")
    consumer.consume(handler, [message.pk], Delivery(worker="worker@here", task_id="task-1"))
    Event.objects.create(message=message, kind="refused", error="Its effect has happened already.")
    page = signed_in("viewer").get(f"{MESSAGES}{message.pk}/").content.decode()
    told = ["Requested and committed", "Delivered and claimed", "Effect: the price changed"]
    told += ["Done", "Duplicate refused", "Its effect has happened already."]
    places = [page.index(f"<b>{one}</b>" if one[0] in "RDE" else one) for one in told]
    assert places == sorted(places)
    assert reverse("pricing:reduction", args=[reduction.pk]) in page
    assert "10.00 → 9.00" in page
    assert 'id="message" data-live' not in page.replace("\n", "")


def test_a_message_of_another_release_has_a_page_all_the_same() -> None:
    wrong = Message.objects.create(
        handler="pricing.apply_reduction", args={"other": 1}, operation_id=uuid4()
    )
    unknown = Message.objects.create(handler="gone.away", operation_id=uuid4())
    client = signed_in("viewer")
    for one in (wrong, unknown):
        assert client.get(f"{MESSAGES}{one.pk}/").status_code == 200
    assert "gone.away" in client.get(OVERVIEW).content.decode()
    assert client.get(f"{MESSAGES}{uuid4()}/").status_code == 404


@pytest.mark.parametrize(
    "address", [OVERVIEW, MESSAGES, f"{MESSAGES}?state=due", f"{MESSAGES}?search=e"]
)
def test_the_number_of_queries_does_not_grow(
    address: str, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    dead(20)
    for _ in range(20):
        later = timezone.now() + timedelta(hours=1)
        Message.objects.create(handler=f"other.{uuid4()}", operation_id=uuid4(), due_at=later)
    measure()
    client = signed_in("operator")
    with django_assert_max_num_queries(22):
        assert client.get(address).status_code == 200
